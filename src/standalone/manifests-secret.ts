/**
 * Secret manifests → certificate and key (type kubernetes.io/tls), authorities (ca.crt, in whatever type). Their values never
 * stand in a message.
 */
import { type Fault, toFault } from '../api/faults.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';

const TYPE = 'kubernetes.io/tls';

/** The certificate and key, or what is wrong; `name` is `Secret ns/name`. */
export const parseSecret = (name: string, raw: Readonly<Record<string, unknown>>): TlsSecret | Fault => {
  const { type } = raw;
  const ca = valueOf(raw, 'ca.crt');
  if (type !== TYPE) {
    if (ca !== null) return { certificate: null, key: null, ca };
    const read = typeof type === 'string' ? JSON.stringify(type.slice(0, 80)) : 'nothing';
    return toFault(name, ['type'], read, `"${TYPE}", or ca.crt among its data`);
  }
  const certificate = valueOf(raw, 'tls.crt');
  const key = valueOf(raw, 'tls.key');
  if (certificate === null) return missing(name, 'tls.crt', 'CERTIFICATE');
  if (key === null) return missing(name, 'tls.key', 'PRIVATE KEY');
  return { certificate, key, ca };
};

const missing = (name: string, field: string, label: string): Fault =>
  toFault(
    name,
    ['data', field],
    'nothing of that form',
    `PEM with BEGIN … ${label}, as base64 (or as text in stringData)`,
  );

/** PEM text of an entry; null where it is absent or no PEM. */
const valueOf = (raw: Readonly<Record<string, unknown>>, entry: string): string | null => {
  const plain = entryOf(raw['stringData'], entry);
  const encoded = entryOf(raw['data'], entry);
  const text = plain ?? (encoded === null ? null : Buffer.from(encoded, 'base64').toString('latin1'));
  return text !== null && /^-----BEGIN [A-Z ]+-----$/m.test(text) ? text : null;
};

const entryOf = (record: unknown, entry: string): string | null => {
  if (typeof record !== 'object' || record === null || !Object.hasOwn(record, entry)) return null;
  const value: unknown = (record as Record<string, unknown>)[entry];
  return typeof value === 'string' ? value : null;
};
