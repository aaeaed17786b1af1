/** What was measured of a scenario and planned for it, as text. Pure. */
import { ofLoad, table } from '../simulation/table.ts';
import type { Facts } from './kept-runs.ts';
import { ABLATED_AT } from './scenarios.ts';

export function scenarioAsMeasured({ document, placement, fixed, tried }: Facts): string {
  const { hosts, columns, conflicts = [] } = document;
  const total = columns.reduce((sum, { rate }) => sum + rate, 0);
  const costs = columns.map(({ name, rate, cost }) => [
    name,
    rate.toFixed(1),
    (1000 * cost['cpu']!).toFixed(1),
    (cost['io']! / 1024).toFixed(0),
    conflicts
      .filter(({ workload }) => workload === name)
      .map((each) => `${each.with} (${each.resource} +${Math.round(100 * each.factor)} %)`)
      .join(', ') || '–',
  ]);
  const sums = new Map(
    columns.map(({ name }) => [
      name,
      placement.filter(({ app }) => app === name).reduce((sum, { weight }) => sum + weight, 0),
    ]),
  );
  const matrix = columns.map(({ name }) => [
    name,
    ...hosts.map((host) => {
      const cell = placement.find(({ node, app }) => node === host.name && app === name);
      return cell === undefined ? '' : ((100 * cell.weight) / sums.get(name)!).toFixed(0);
    }),
  ]);
  const caps = Object.entries(tried).map(([cap, replied]) => `${cap}: ${(100 * replied).toFixed(1)} %`);
  return `### As measured

100 % is ${total.toFixed(1)} requests/s. What a request of mean size costs alone, and beside whom more:

${table(['app', 'requests/s', 'cpu, ms', 'disk, KiB', 'conflicts'], costs)}

The matrix of the whole, in percent, over nodes of ${hosts.map(({ capacity }) => `${(100 * capacity['cpu']!).toFixed(1)} %`).join(', ')} of a core:

${table(['app', ...hosts.map(({ name }) => name)], matrix)}

Fixed caps of an instance that were tried at ${ofLoad(ABLATED_AT)}, with what was answered: ${caps.join(', ')}; the best, ${fixed}, is compared.`;
}
