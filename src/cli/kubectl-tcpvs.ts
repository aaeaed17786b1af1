/** `kubectl tcpvs`: tcpvsadm for the objects of a cluster. kubectl finds the plugin by its name on the PATH. */
import { surroundings } from './surroundings.ts';
import { runTcpvsadm } from './tcpvsadm-run.ts';

process.exitCode = await runTcpvsadm(process.argv.slice(2), surroundings(), 'kubectl tcpvs');
