import type { RequestExplanation } from './explain-request.ts';
import { printable, type Style } from './output.ts';

/** The explanation for people. */
export function explanationText(explanation: RequestExplanation, style: Style): string {
  const { request, outcome, virtualServer, listener, rule, from, choice, destinations, passedOver } = explanation;
  const lines: [string, string][] = [
    ['request', request],
    ['outcome', outcome],
  ];
  if (virtualServer !== null && listener !== null) {
    lines.push([
      'virtual server',
      `${virtualServer} (listener ${listener.name}, ${listener.address} port ${listener.port})`,
    ]);
    lines.push([
      'rule',
      rule === null ? 'none: its own destinations' : `${rule.name} (${rule.index + 1} of ${rule.of})`,
    ]);
  }
  if (from !== null) lines.push(['destinations', `of ${from}`]);
  if (choice !== null) lines.push(['chosen', choice]);
  for (const { server, endpoints, weight, quiesced, share } of destinations) {
    const note = quiesced
      ? weight === 0
        ? 'quiesced: weight 0'
        : 'takes no new work'
      : `${(share * 100).toFixed(1)} %`;
    lines.push(['', `${server}  ${endpoints.join(' ')}  weight ${weight}  ${note}`]);
  }
  for (const [i, { name, because }] of passedOver.slice(0, MOST).entries()) {
    lines.push([i === 0 ? 'passed over' : '', `${name}: ${because.join(', ')} does not match`]);
  }
  if (passedOver.length > MOST) lines.push(['', `and ${passedOver.length - MOST} more`]);
  return lines.map(([label, text]) => `${style.bold(label.padEnd(16))}${printable(text)}\n`).join('');
}

/** Of a thousand rules that were not taken, the first tell enough; --json has all. */
const MOST = 20;
