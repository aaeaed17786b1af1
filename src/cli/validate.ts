import { faultText } from '../standalone/objects.ts';
import { type CommandHelp, helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { isLive, LIVE_OPTIONS } from './live-cluster.ts';
import { readOffline } from './offline.ts';
import { type Output, printable } from './output.ts';
import { validateLive } from './validate-live.ts';

const HELP: CommandHelp = {
  name: 'validate',
  operands: 'PATH…',
  summary: 'check manifests and KTCPVS configuration files, without a server',
  text: [
    'Each PATH is a configuration of its own, as --config of tcpvs serve takes it. All faults are printed, one per\n' +
      'line: FILE:LINE:COLUMN: what was read, what was expected. Exit status: 0 no fault, 1 faults, 2 wrong command line.',
    'With --live what is in the cluster is judged: with PATHs as if they had been applied, and then only what concerns\n' +
      'their objects is said; without one, all of it.',
  ],
  options: {
    json: { help: 'print as JSON' },
    cluster: { help: 'as in a cluster, where nodes and Services are known' },
    ...LIVE_OPTIONS,
    class: { value: 'NAME', help: 'objects of which spec.className (default: tcpvs)' },
  },
  examples: [
    'tcpvs validate /etc/tcpvs',
    'tcpvs validate --json examples/01-eapac-demo table.conf',
    'tcpvs validate --live manifests/',
  ],
};

/** `tcpvs validate` */
export async function validate(args: readonly string[], { out, err, style }: Output): Promise<number> {
  const line = readCommandLine(HELP, args);
  if (line.help) {
    out(helpText(HELP, style));
    return EXIT.ok;
  }
  if (isLive(line)) return validateLive(line, out, err);
  if (line.operands.length === 0) throw new UsageError('a PATH, or --live, is needed');
  const options = { className: line.value('class') ?? 'tcpvs', cluster: line.flag('cluster') };
  const results: { path: string; objects: number; faults: Awaited<ReturnType<typeof readOffline>>['faults'] }[] = [];
  for (const path of line.operands) {
    // One after the other: their faults are printed in the order of the command line, and memory stays bounded.
    const { objects, faults } = await readOffline(path, options);
    results.push({ path, objects, faults });
  }
  const faulty = results.some(({ faults }) => faults.length > 0);
  if (line.flag('json')) out(`${JSON.stringify({ valid: !faulty, results }, null, 2)}\n`);
  else for (const result of results) out(report(result));
  return faulty ? EXIT.failed : EXIT.ok;
}

function report({
  path,
  objects,
  faults,
}: {
  path: string;
  objects: number;
  faults: readonly Parameters<typeof faultText>[0][];
}) {
  if (faults.length === 0) return `${printable(path)}: ${objects} ${objects === 1 ? 'object' : 'objects'}, no fault\n`;
  return faults.map((fault) => `${printable(faultText(fault))}\n`).join('');
}
