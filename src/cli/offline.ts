/** A configuration as the offline commands look at it: read once, translated, nothing served. */
import { randomUUID } from 'node:crypto';

import type { ApiObject } from '../admin/contract.ts';
import type { ObjectStatus } from '../model/status.ts';
import { CertificateFiles } from '../standalone/certificate-files.ts';
import { displayPath } from '../standalone/display-path.ts';
import { ConfigFiles } from '../standalone/files.ts';
import { nextLayers } from '../standalone/layers.ts';
import { mergeFiles } from '../standalone/merge.ts';
import { type Fault, objectId } from '../standalone/objects.ts';
import type { Base } from '../standalone/overlay.ts';
import { fileParser } from '../standalone/parse-file.ts';
import { toClusterState } from '../standalone/to-cluster-state.ts';
import { checkPattern } from '../translate/check-pattern.ts';
import { noLastGood } from '../translate/cluster-state.ts';
import { translate, type Translation } from '../translate/translate.ts';
import { systemServices } from './tcpvsadm-input.ts';

export interface OfflineConfig {
  readonly translation: Translation;
  readonly objects: number;
  /** Of files, and of objects that are not accepted or whose references lead nowhere, in order of place. */
  readonly faults: readonly Fault[];
}

export interface OfflineOptions {
  readonly className: string;
  /** As in a cluster: nodes and Services are taken to be there. */
  readonly cluster: boolean;
}

async function readFiles(path: string) {
  const files = await new ConfigFiles(path, fileParser(await systemServices())).load();
  const { base, faults } = mergeFiles(files.good, new Map(), (file) => displayPath(path, file));
  const none = { base: new Map(), overlay: new Map(), identities: new Map(), given: new Map(), objects: new Map() };
  const { objects } = nextLayers(none, base, new Map(), '1970-01-01T00:00:00Z', randomUUID);
  const certificates = await new CertificateFiles(path).load(objects.values());
  const secrets = new Map([...files.secrets, ...certificates.secrets]);
  return { files, base, faults, objects, secrets };
}

/** The objects of a path alone, and what is wrong in its files. Never rejects for what stands in them. */
export async function fileObjects(path: string): Promise<{ objects: readonly ApiObject[]; faults: readonly Fault[] }> {
  const { files, faults, objects } = await readFiles(path);
  return { objects: [...objects.values()], faults: [...files.faults, ...faults].toSorted(byPlace) };
}

/** Never rejects for what stands in the files. */
export async function readOffline(path: string, { className, cluster }: OfflineOptions): Promise<OfflineConfig> {
  const { files, base, faults, objects, secrets } = await readFiles(path);
  const state = toClusterState({ objects, secrets }, noLastGood, className);
  const translation = translate({ ...state, mode: cluster ? 'Cluster' : 'Standalone' }, { checkPattern });
  const faulty = [...new Set(files.faults.map(({ file }) => file))];
  const complaints = translation.statuses
    .flatMap((status) => complaintsOf(status, base, path, cluster))
    .map(({ reason, ...fault }) =>
      FOLLOWS.has(reason) ? { ...fault, message: fault.message + leftOut(faulty) } : fault,
    );
  const all = [...files.faults, ...faults, ...complaints];
  return { translation, objects: objects.size, faults: all.toSorted(byPlace) };
}

/** What an object says whose references lead to one that a faulty file has, and nobody could read. */
const FOLLOWS: ReadonlySet<string> = new Set(['MatrixNotFound', 'ServerNotFound', 'AppNotFound']);

/** Else a person looks for an object that is there. */
function leftOut(files: readonly string[]): string {
  if (files.length === 0) return '';
  const more = files.length > 3 ? ` and ${files.length - 3} more` : '';
  return `; objects of ${files.slice(0, 3).join(', ')}${more} are left out until the faults there are mended`;
}

function complaintsOf(
  status: ObjectStatus,
  base: Base,
  path: string,
  cluster: boolean,
): (Fault & { readonly reason: string })[] {
  const { kind, key } = status;
  const [namespace = '', name = ''] = key.split('/');
  const from = base.get(objectId(kind, namespace, name));
  return status.conditions
    .filter(({ type, status: value }) => value === 'False' && (type === 'Accepted' || type === 'ResolvedRefs'))
    .filter(({ reason }) => !(cluster && reason === 'NeedsCluster'))
    .map(({ reason, message }) => ({
      file: displayPath(path, from?.file ?? ''),
      line: from?.line ?? null,
      column: null,
      reason,
      message: `${kind} ${key}: ${reason}: ${message}`,
    }));
}

function byPlace(a: Fault, b: Fault): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
