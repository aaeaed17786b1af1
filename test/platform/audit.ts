/** What the audit log of the API server says that somebody did, against what the chart allows. */
import { readFileSync } from 'node:fs';

import type { Right } from '../chart/rights.ts';

interface Event {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** One line per thing that was done, without names of objects: `verb resource.group`, and how often. */
export function deedsOf(auditLog: string, user: string): { readonly done: Set<string>; readonly refused: string[] } {
  const done = new Set<string>();
  const refused: string[] = [];
  for (const line of readFileSync(auditLog, 'utf8').split('\n')) {
    if (!line.includes(user)) continue;
    const { verb, user: who, objectRef, responseStatus } = JSON.parse(line) as Event;
    if (who.username !== user || objectRef === undefined) continue;
    const { resource = '', subresource, apiGroup = '', namespace = '', name = '' } = objectRef;
    const what = `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}.${apiGroup}`;
    if (responseStatus?.code === 403) refused.push(`${what} ${namespace}/${name}`);
    else done.add(what);
  }
  return { done, refused };
}

/** Names of the objects whose status somebody has written. */
export function statusesWrittenBy(auditLog: string, user: string): Set<string> {
  const events = readFileSync(auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(user))
    .map((line) => JSON.parse(line) as Event);
  const written = events.filter(
    ({ user: who, verb, objectRef }) =>
      who.username === user && verb === 'patch' && objectRef?.subresource === 'status',
  );
  return new Set(written.map(({ objectRef }) => objectRef?.name ?? ''));
}

/** The same words for what is allowed. */
export function allowed(rights: readonly Right[], user: string): Set<string> {
  const own = rights.filter((right) => right.user === user);
  return new Set(own.flatMap(({ verbs, resource, group }) => verbs.map((verb) => `${verb} ${resource}.${group}`)));
}
