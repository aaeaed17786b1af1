/**
 * Makes equal parts of plain data one and the same object, and equal texts one text: a thousand rules have the same hosts,
 * time-outs and empty lists, and a parser makes each of them anew. Data that is never changed in place, as objects of the API
 * are, means the same afterwards.
 *
 * @param fresh bounded in depth, without circles; changed in place, its parts replaced by equal ones
 * @param known only read: parts that are equal to one of these become these
 */
export function shareParts<T>(fresh: T, known?: unknown): T {
  const pool = new Pool();
  if (known !== undefined) pool.add(known);
  return pool.shared(fresh) as T;
}

class Pool {
  readonly #texts = new Map<string, string>();
  readonly #parts = new Map<string, object>();
  /** What stands for a part in the content of what it is part of: the same number for equal ones. */
  readonly #numbers = new Map<object, number>();

  /** Takes all parts of it in, and changes nothing. */
  add(value: unknown): void {
    if (typeof value === 'string') this.#text(value);
    if (!isObject(value)) return;
    for (const part of Object.values(value)) this.add(part);
    const one = this.#part(value);
    if (one !== value) this.#numbers.set(value, this.#numbers.get(one)!);
  }

  /** What is equal to it and was here before, or itself. */
  shared(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (!isObject(value)) return value;
    for (const [key, part] of Object.entries(value)) {
      const one = this.shared(part);
      // Assigned to, that name would be no field. Texts are compared by content, so they are always assigned.
      if (key !== '__proto__' && (one !== part || typeof part === 'string')) value[key] = one;
    }
    return this.#part(value);
  }

  #text(value: string): string {
    const known = this.#texts.get(value);
    if (known === undefined) this.#texts.set(value, value);
    return known ?? value;
  }

  /** All objects in it have their numbers. */
  #part(value: Fields): object {
    let content = Array.isArray(value) ? '[' : '{';
    for (const [key, part] of Object.entries(value)) content += `${key.length}:${key}${this.#contentOf(part)}`;
    const known = this.#parts.get(content);
    if (known !== undefined) return known;
    this.#parts.set(content, value);
    this.#numbers.set(value, this.#numbers.size);
    return value;
  }

  #contentOf(part: unknown): string {
    if (typeof part === 'string') return `"${part.length}:${part}`;
    return isObject(part) ? `#${this.#numbers.get(part)};` : `${typeof part} ${String(part)};`;
  }
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
