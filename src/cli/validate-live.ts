/** `tcpvs validate --live`: what the controller would say of the cluster's objects, manifests over them included. */
import type { ObjectStatus } from '../model/status.ts';
import { faultText } from '../standalone/objects.ts';
import type { CommandLine } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { idOf, readLive } from './live-cluster.ts';
import { fileObjects } from './offline.ts';
import { type Output, printable } from './output.ts';

interface Complaint {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

export async function validateLive(line: CommandLine, out: Output['out'], err: Output['err']): Promise<number> {
  const given = await Promise.all(line.operands.map((path) => fileObjects(path)));
  const objects = given.flatMap((each) => each.objects);
  const faults = given.flatMap((each) => each.faults.map(faultText));
  const { statuses, unread, objects: all } = await readLive(line, objects);
  const concerned = line.operands.length === 0 ? null : new Set(objects.map(idOf));
  const complaints = statuses.flatMap((status) =>
    concerned === null || concerned.has(`${status.kind} ${status.key}`) ? complaintsOf(status) : [],
  );
  for (const text of unread) err(`tcpvs: note: not read, and taken not to be there: ${printable(text)}\n`);
  const valid = complaints.length === 0 && faults.length === 0;
  const count = concerned?.size ?? all.length;
  if (line.flag('json')) out(`${JSON.stringify({ valid, objects: count, faults, complaints, unread }, null, 2)}\n`);
  else if (valid) out(`${count} ${count === 1 ? 'object' : 'objects'}, no fault\n`);
  else for (const text of [...faults, ...complaints.map(textOf)]) out(`${printable(text)}\n`);
  return valid ? EXIT.ok : EXIT.failed;
}

function complaintsOf({ kind, key, conditions }: ObjectStatus): Complaint[] {
  return conditions
    .filter(({ type, status }) => status === 'False' && (type === 'Accepted' || type === 'ResolvedRefs'))
    .map(({ reason, message }) => ({ object: `${kind} ${key}`, reason, message }));
}

const textOf = ({ object, reason, message }: Complaint): string => `${object}: ${reason}: ${message}`;
