import type { RequestHead } from '../http/request-head.ts';
import { HostTable, type HostVisitor } from './host-table.ts';

/**
 * Which of the hosts that a table's rules name fit a request's host: looked up once per request, so that a hundred rules
 * that differ by host alone cost a comparison each.
 */
export class HostMarks implements HostVisitor<number> {
  private readonly table: HostTable<number>;
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly marks: Int32Array;
  private generation = 0;
  /** Of a thousand rules most name the same hosts. */
  private readonly known = new Map<string, Int32Array>();

  constructor(hosts: Iterable<string>) {
    const numbers = new Map<string, number>();
    for (const host of hosts) if (!numbers.has(host)) numbers.set(host, numbers.size);
    this.numbers = numbers;
    this.marks = new Int32Array(numbers.size);
    this.table = new HostTable(Array.from(numbers, ([host, value]) => ({ host, value })));
  }

  /** The numbers of some of the hosts, for `anyFits`. */
  numbersOf(hosts: readonly string[]): Int32Array {
    const key = hosts.join();
    let numbers = this.known.get(key);
    if (numbers === undefined) {
      numbers = Int32Array.from(hosts, (host) => this.numbers.get(host)!);
      this.known.set(key, numbers);
    }
    return numbers;
  }

  /** Looks at a request's host; to be called before `anyFits`. */
  look(head: RequestHead): void {
    if (this.marks.length === 0) return;
    if (++this.generation === 0x3fffffff) {
      this.generation = 1;
      this.marks.fill(0);
    }
    this.table.visit(head.bytes, head.hostStart, head.hostEnd, this);
  }

  take(host: number): void {
    this.marks[host] = this.generation;
  }

  anyFits(numbers: Int32Array): boolean {
    for (let at = 0; at < numbers.length; at++) if (this.marks[numbers[at]!] === this.generation) return true;
    return false;
  }
}
