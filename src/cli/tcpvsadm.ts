/** `tcpvsadm`: KTCPVS's command line for a running server. Documented in docs/tcpvsadm.md. */
import { surroundings } from './surroundings.ts';
import { runTcpvsadm } from './tcpvsadm-run.ts';

process.exitCode = await runTcpvsadm(process.argv.slice(2), surroundings());
