/**
 * An instance of an app: a web server whose requests really use what they are said to cost. Usage: node instance.ts '{"port":…}';
 * says `ready` on standard output once it is warm, and then works on whatever it is asked for until it is ended.
 */
import { randomInt } from 'node:crypto';
import { constants, openSync, read } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';

/** Of a request of size 1; those of `?size=2` take twice as much of all but the memory. */
export interface Knobs {
  /** Milliseconds of a core. */
  readonly cpu: number;
  /** Blocks of 64 KiB read from the disk itself, past the page cache. */
  readonly disk: number;
  /** Blocks of 64 KiB read of the data that should be in the page cache. */
  readonly cached: number;
  /** KiB of memory that is touched and kept for as long as the request is worked on. */
  readonly memory: number;
  /** Milliseconds of waiting for somebody else. */
  readonly wait: number;
  /** Requests that are worked on at once; more wait to be begun. */
  readonly accepts: number;
}

export interface InstanceOptions extends Knobs {
  readonly port: number;
  readonly address: string;
  /** File with its data, and how much of it there is. */
  readonly data: string;
  readonly blocks: number;
}

interface WebAssembly {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
}

/** Node's types have no names for it, those of browsers are not ours. */
const { WebAssembly: WASM } = globalThis as unknown as { WebAssembly: WebAssembly };

const BLOCK = 65_536;
const PAGE = 4096;
/** How long a request works before the next one has its turn, µs: requests share the processor, as threads do. */
const SLICE = 1000;
/** Requests that are made up at the start, so that none of those that count meets code that is not compiled. */
const WARMING = 60;

export class Instance {
  readonly #options: InstanceOptions;
  /** A page boundary, which reads past the page cache ask for, is where memory of WebAssembly begins. */
  readonly #block = new Uint8Array(new WASM.Memory({ initial: 1 }).buffer);
  readonly #cached: number;
  readonly #direct: number;
  readonly #waiting: (() => void)[] = [];
  #working = 0;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#cached = options.cached > 0 ? openSync(options.data, constants.O_RDONLY) : -1;
    this.#direct = options.disk > 0 ? openSync(options.data, constants.O_RDONLY | constants.O_DIRECT) : -1;
  }

  /** Reads all its data once, so that it is in the page cache as far as there is room. */
  async warm(): Promise<void> {
    const { cached, blocks } = this.#options;
    if (cached > 0) for (let block = 0; block < blocks; block++) await this.#read(this.#cached, block);
  }

  async work(size: number): Promise<void> {
    const { cpu, disk, cached, memory, wait, accepts, blocks } = this.#options;
    if (this.#working >= accepts) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#working++;
    const held = memory > 0 ? hold(1024 * memory) : null;
    for (let left = Math.round(disk * size); left > 0; left--) await this.#read(this.#direct, randomInt(blocks));
    for (let left = Math.round(cached * size); left > 0; left--) await this.#read(this.#cached, randomInt(blocks));
    await this.#burn(1000 * cpu * size);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait * size));
    held?.resize(0);
    const next = this.#waiting.shift();
    if (next === undefined) this.#working--;
    else next();
  }

  /** @param micros of this thread's processor time, however long that takes by the clock */
  async #burn(micros: number): Promise<void> {
    for (let left = micros; left > 0;) {
      const from = spent();
      const slice = Math.min(left, SLICE);
      let used = 0;
      while (used < slice) {
        for (let i = 0; i < 2000; i++);
        used = spent() - from;
      }
      left -= used;
      if (left > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #read(file: number, block: number): Promise<void> {
    return new Promise((resolve, reject) => {
      read(file, this.#block, 0, BLOCK, BLOCK * block, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}

/** Memory that is really there, until it is resized to nothing: the system gets its pages back at once. */
function hold(bytes: number): ArrayBuffer {
  const buffer = new ArrayBuffer(0, { maxByteLength: bytes });
  buffer.resize(bytes);
  const view = new Uint8Array(buffer);
  for (let at = 0; at < bytes; at += PAGE) view[at] = 1;
  return buffer;
}

function spent(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function serve(instance: Instance, { port, address }: InstanceOptions): Promise<void> {
  const answer = async (url: string, response: ServerResponse): Promise<void> => {
    await instance.work(Number(new URL(url, 'http://instance').searchParams.get('size') ?? 1));
    response.end('done\n');
  };
  // Whoever gives up is not noticed: the work is done all the same, as most servers do it.
  const server = createServer((request, response) => void answer(request.url ?? '/', response));
  return new Promise((resolve) => server.listen(port, address, resolve));
}

/** A small request of its own. */
function ask({ port, address }: InstanceOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address);
    socket
      .once('error', reject)
      .once('close', () => resolve())
      .resume();
    socket.write('GET /?size=0.01 HTTP/1.1\r\nHost: instance\r\nConnection: close\r\n\r\n');
  });
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as InstanceOptions;
  const instance = new Instance(options);
  await instance.warm();
  await serve(instance, options);
  for (let i = 0; i < WARMING; i++) await ask(options);
  process.stdout.write('ready\n');
}
