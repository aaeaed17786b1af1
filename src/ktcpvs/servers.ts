/** Real servers by the names that people type, and the names of those that are made here. */
import type { Draft } from './draft.ts';
import { canonicalHost, printServer, readServer } from './host-port.ts';
import { API_VERSION, newMetadata } from './objects.ts';
import type { RealObject } from './objects.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import type { ServerRef } from './table.ts';

/** Finds and names the real servers of one namespace; made anew where they have changed by other hands. */
export class ServerBook {
  readonly #draft: Draft;
  readonly #namespace: string;
  readonly #byName = new Map<string, RealObject>();
  readonly #byAddress = new Map<string, RealObject>();

  constructor(draft: Draft, namespace: string) {
    this.#draft = draft;
    this.#namespace = namespace;
    for (const server of draft.realServers(namespace)) this.#enter(server);
  }

  byName(name: string): RealObject | undefined {
    return this.#byName.get(name);
  }

  /** By address and port; else HOST may be the object's name, with its port. */
  find(ref: ServerRef): RealObject | undefined {
    if (ref.kind === 'Object') return this.#byName.get(ref.name);
    const byAddress = this.#byAddress.get(addressKey(ref.host, ref.port));
    if (byAddress !== undefined) return byAddress;
    const named = this.#byName.get(ref.host);
    return named !== undefined && hasAddress(named) && named.spec.port === ref.port ? named : undefined;
  }

  findOrCreate(ref: ServerRef & { kind: 'Address' }): RealObject {
    const found = this.find(ref);
    if (found !== undefined) return found;
    const server: RealObject = {
      apiVersion: API_VERSION,
      kind: 'RealServer',
      metadata: newMetadata(
        this.#namespace,
        uniqueName(`${ref.host}-${ref.port}`, (name) => this.#byName.has(name)),
      ),
      spec: { address: ref.host, port: ref.port },
    };
    this.#draft.put(server);
    this.#enter(server);
    return server;
  }

  /** How the real server of that name is written: such that reading it finds the same one. */
  refOf(name: string): ServerRef {
    const server = this.#byName.get(name);
    if (server === undefined || !hasAddress(server)) return { kind: 'Object', name };
    const { address, port } = server.spec as { address: string; port: number };
    const ref = { kind: 'Address' as const, host: canonicalHost(address), port };
    if (!readsBack(ref) || this.find(ref) !== server) return { kind: 'Object', name };
    const alias = { ...ref, host: name };
    const aliased = readsBack(alias) && !isOwnAddress(name, ref.host, port) && this.find(alias) === server;
    return aliased ? { ...ref, alias: name } : ref;
  }

  #enter(server: RealObject): void {
    this.#byName.set(server.metadata.name, server);
    if (!hasAddress(server)) return;
    const key = addressKey(server.spec.address ?? '', server.spec.port ?? 0);
    if (!this.#byAddress.has(key)) this.#byAddress.set(key, server);
  }
}

/** A name that was made from the address tells nothing that the address does not. */
function isOwnAddress(name: string, host: string, port: number): boolean {
  return name.startsWith(label(`${host}-${port}`));
}

/** One address and one port for all apps. */
function hasAddress({ spec }: RealObject): boolean {
  return spec.address !== undefined && spec.port !== undefined && (spec.ports ?? []).length === 0;
}

function addressKey(host: string, port: number): string {
  return `${canonicalHost(host)} ${port}`;
}

function readsBack(ref: ServerRef & { kind: 'Address' }): boolean {
  const read = readServer(printServer(ref, { services: BUILT_IN_SERVICES, numeric: true }), BUILT_IN_SERVICES);
  return read.ok && read.value.kind === 'Address' && read.value.host === ref.host && read.value.port === ref.port;
}

/** A DNS label from any text, and a number behind it where the label is taken. */
export function uniqueName(text: string, taken: (name: string) => boolean): string {
  const base = label(text);
  if (!taken(base)) return base;
  for (let n = 2; ; n += 1) {
    const suffix = `-${n}`;
    const name = `${base.slice(0, 63 - suffix.length).replace(/-+$/, '')}${suffix}`;
    if (!taken(name)) return name;
  }
}

function label(text: string): string {
  const cleaned = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 60)
    .replace(/-+$/, '');
  return cleaned === '' ? 'all' : cleaned;
}
