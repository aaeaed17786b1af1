/** What tcpvsadm reads from the system: the services file, a configuration file, the addresses of names. */
import { lookup } from 'node:dns/promises';
import { open, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import { Refused } from '../ktcpvs/refused.ts';
import { BUILT_IN_SERVICES, parseServices } from '../ktcpvs/services.ts';
import type { Services } from '../ktcpvs/services.ts';
import { LIMITS } from '../ktcpvs/table.ts';

const SERVICES_FILE = '/etc/services';
/** ms; a resolver that does not answer must not hang a command. */
const LOOKUP_PATIENCE = 5000;

export async function systemServices(file = SERVICES_FILE): Promise<Services> {
  try {
    return parseServices(await readFile(file, 'utf8'));
  } catch {
    return BUILT_IN_SERVICES;
  }
}

/** `-` is standard input. Throws Refused: what cannot be read, is too long, or is no UTF-8. */
export async function readFileBounded(name: string, stdin: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const stream = name === '-' ? stdin : (await open(name)).createReadStream();
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > LIMITS.fileBytes) throw new Refused(`${name}: longer than ${LIMITS.fileBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`${name}: cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refused(`${name}: is no UTF-8 text`);
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'no permission',
    EISDIR: 'it is a directory',
  };
  return known[error.code ?? ''] ?? error.message;
}

/** The address of a host to listen on; `*` and addresses are what they are. Throws Refused. */
export async function bindAddress(host: string): Promise<string> {
  if (host === '*' || isIP(host) !== 0) return host;
  const late = AbortSignal.timeout(LOOKUP_PATIENCE);
  const silence = new Promise<never>((_resolve, reject) => {
    late.addEventListener('abort', () => reject(new Error('no answer')), { once: true });
  });
  try {
    return (await Promise.race([lookup(host, { family: 0 }), silence])).address;
  } catch (error) {
    throw new Refused(`the host ${host} to listen on has no address that can be found (${(error as Error).message})`);
  }
}
