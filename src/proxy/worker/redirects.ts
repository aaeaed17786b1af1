/** The filter Redirect: an answer with a Location. */
import { redirect, refuse } from './answers.ts';
import { latin1 } from './bytes.ts';
import type { Client } from './client.ts';
import { rewritePath, type Edits } from './edits.ts';
import { head } from './heads.ts';

export function redirectTo(client: Client, edits: Edits, to: NonNullable<Edits['redirect']>): void {
  const asked = latin1(head.bytes, head.authorityStart, head.authorityEnd);
  const host = to.host ?? (asked.startsWith('[') ? asked.slice(0, asked.indexOf(']') + 1) : asked.split(':')[0]!);
  if (host === '') {
    refuse(client, 'no_host');
    return;
  }
  const scheme = to.scheme ?? client.scheme;
  // a port that was asked for stays, unless scheme or host move elsewhere
  const askedPort = to.scheme === null && to.host === null ? /:(\d+)$/.exec(asked)?.[1] : undefined;
  const port = to.port ?? (askedPort === undefined ? null : Number(askedPort));
  const usual = scheme === 'https' ? 443 : 80;
  let path = latin1(head.pathBytes, head.pathStart, head.pathEnd);
  if (to.path !== null) path = rewritePath(to.path, edits.prefix, path);
  const query = head.hasQuery ? `?${latin1(head.bytes, head.queryStart, head.queryEnd)}` : '';
  redirect(client, to.status, `${scheme}://${host}${port === null || port === usual ? '' : `:${port}`}${path}${query}`);
}
