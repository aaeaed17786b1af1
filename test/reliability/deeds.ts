/** What the product's accounts have done, by the API server's audit log. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import type { AuditEvent } from '../chart/audit.ts';
import { RELEASE, SYSTEM } from './stage.ts';

export const ACCOUNTS = ['controller', 'proxy'].map((name) => `system:serviceaccount:${SYSTEM}:${RELEASE}-${name}`);

/** From the byte `from` on, line by line: after an hour the log has hundreds of megabytes. */
export async function* deeds(auditLog: string, from = 0): AsyncGenerator<AuditEvent> {
  const lines = createInterface({ input: createReadStream(auditLog, { start: from, encoding: 'utf8' }) });
  for await (const line of lines) {
    if (!line.includes(`"system:serviceaccount:${SYSTEM}:`)) continue;
    const event = JSON.parse(line) as AuditEvent;
    if (ACCOUNTS.includes(event.user.username)) yield event;
  }
}

/** Each deed once: one of many requests says as much as all of them. */
export async function distinctDeeds(auditLog: string): Promise<readonly AuditEvent[]> {
  const known = new Map<string, AuditEvent>();
  for await (const event of deeds(auditLog)) {
    const { verb, user, objectRef, responseStatus } = event;
    const { resource, subresource, namespace, name, apiGroup } = objectRef ?? {};
    const refused = responseStatus?.code === 403;
    const id = JSON.stringify([verb, user.username, apiGroup, resource, subresource, namespace, name, refused]);
    if (!known.has(id)) known.set(id, event);
  }
  return [...known.values()];
}
