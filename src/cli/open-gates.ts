import { type CommandHelp, helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { labelOf, listOption } from './option-values.ts';
import { type Output, printable } from './output.ts';
import { VERSION } from './version.ts';

export const OPEN_GATES_HELP: CommandHelp = {
  name: 'open-gates',
  summary: 'in a cluster: let pods go that wait for a controller to choose their node',
  text: [
    'Pods whose template has the scheduling gate tcpvs.io/placement wait until a controller opens it. Where there is to be none any\n' +
      'more, this opens the gates of all that wait, and names the Deployments whose template has to lose its gate: their new pods\n' +
      'would wait. The chart does it before it is removed.',
  ],
  options: {
    namespaces: { value: 'A,B', help: 'where (default: everywhere)' },
    kubeconfig: { value: 'FILE', help: "the cluster (default: the pod's ServiceAccount, else KUBECONFIG)" },
  },
  examples: ['tcpvs open-gates --namespaces shop'],
};

/** `tcpvs open-gates`: exit status 1 where a gate could not be opened. */
export async function openGates(args: readonly string[], { out, err, style }: Output): Promise<number> {
  const line = readCommandLine(OPEN_GATES_HELP, args);
  if (line.help) {
    out(helpText(OPEN_GATES_HELP, style));
    return EXIT.ok;
  }
  const namespaces = listOption(line, 'namespaces').map((each) => labelOf('namespaces', each));
  const [{ connectApi }, { openGates: run }] = await Promise.all([
    import('../kube/connect.ts'),
    import('../controller/placement/open-gates.ts'),
  ]);
  const { api } = (() => {
    try {
      return connectApi({ kubeconfig: line.value('kubeconfig'), userAgent: `tcpvs-open-gates/${VERSION}` });
    } catch (error) {
      throw new UsageError(`--kubeconfig: ${(error as Error).message}`);
    }
  })();
  try {
    const { opened, failed, templates } = await run(api, namespaces.length === 0 ? null : namespaces);
    for (const pod of opened) out(`opened the gate of pod ${printable(pod)}\n`);
    for (const pod of failed) err(`tcpvs: the gate of pod ${printable(pod)} is not open\n`);
    for (const name of templates) {
      err(
        `tcpvs: new pods of Deployment ${printable(name)} will wait: take tcpvs.io/placement out of spec.template.spec.schedulingGates\n`,
      );
    }
    out(`${opened.length} ${opened.length === 1 ? 'gate' : 'gates'} opened\n`);
    return failed.length === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    err(`tcpvs open-gates: ${printable((error as Error).message)}\n`);
    return EXIT.failed;
  } finally {
    api.close();
  }
}
