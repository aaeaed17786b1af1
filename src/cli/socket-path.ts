/** Where the admin socket is when nobody says: one rule for server and clients. */
import { userInfo } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** root: /run/tcpvs/admin.sock; others: in their own runtime directory, or, without one, in one of their own in /tmp. */
export function defaultSocketPath(
  environment: Environment = process.env,
  uid = process.getuid?.() ?? userInfo().uid,
): string {
  if (uid === 0) return '/run/tcpvs/admin.sock';
  const runtime = environment['XDG_RUNTIME_DIR'];
  return runtime?.startsWith('/') === true ? join(runtime, 'tcpvs/admin.sock') : `/tmp/tcpvs-${uid}/admin.sock`;
}

/** For clients: what the command line says, else TCPVS_SOCKET, else the default. */
export function socketPath(given: string | undefined, environment: Environment = process.env): string {
  const named = given ?? environment['TCPVS_SOCKET'];
  return named === undefined || named === '' ? defaultSocketPath(environment) : named;
}
