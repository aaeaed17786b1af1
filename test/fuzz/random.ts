/** Randomness from a seed, and how inputs are made and spoilt with it. */

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in 0 … 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** 0 … n − 1 */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

/** Bytes that parsers have stumbled over. */
const EVIL = [
  '\0',
  '\t',
  '\n',
  '\x0b',
  '\r',
  '\r\n',
  ' ',
  '\x1a',
  '"',
  '#',
  '%',
  '%2',
  '%00',
  '/',
  ':',
  ';',
  ',',
  '\\',
  '_',
  '\x7f',
  '\x80',
  '\x85',
  '\xa0',
  '\xff',
  '..',
  '\r\n\r\n',
  '\r\n ',
  '0',
  '5',
  'A',
  '-',
  '+',
  '@',
  '*',
  '?',
  '[',
  ']',
];

/** Changes a few places. */
export function mutate(random: Random, text: string): string {
  let out = text;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(out.length + 1);
    const length = random.below(random.chance(0.8) ? 3 : 40);
    switch (random.below(6)) {
      case 0:
        out = out.slice(0, at) + random.pick(EVIL) + out.slice(at);
        break;
      case 1:
        out = out.slice(0, at) + out.slice(at + length);
        break;
      case 2:
        out = out.slice(0, at) + String.fromCharCode(random.below(256)) + out.slice(at + 1);
        break;
      case 3:
        out = out.slice(0, at) + out.slice(at, at + length) + out.slice(at);
        break;
      case 4: {
        const other = random.below(out.length + 1);
        out = out.slice(0, at) + out.slice(other, other + length) + out.slice(at);
        break;
      }
      default:
        // One bit, the case bit more often than others.
        if (at < out.length) {
          const bit = random.chance(0.5) ? 0x20 : 1 << random.below(8);
          out = out.slice(0, at) + String.fromCharCode(out.charCodeAt(at) ^ bit) + out.slice(at + 1);
        }
    }
  }
  return out;
}
