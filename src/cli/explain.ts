import type { Snapshot } from '../model/snapshot.ts';
import { faultText } from '../standalone/objects.ts';
import { type CommandHelp, type CommandLine, helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { type AskedRequest, explainRequest } from './explain-request.ts';
import { explanationText } from './explain-text.ts';
import { isLive, LIVE_OPTIONS, readLive } from './live-cluster.ts';
import { readOffline } from './offline.ts';
import { type Output, printable } from './output.ts';

const HELP: CommandHelp = {
  name: 'explain',
  operands: 'METHOD URL',
  summary: 'which rule takes a request, which destinations with which shares, and why',
  text: [
    'Reads a configuration, or a cluster, and asks the same tables that serve requests; nothing is sent. What is known\n' +
      'only while serving (health, connections) is left out of account.',
  ],
  options: {
    config: { value: 'PATH', help: 'as for tcpvs serve' },
    ...LIVE_OPTIONS,
    header: {
      short: 'H',
      value: "'NAME: VALUE'",
      many: true,
      help: 'a header field of the request; may stand several times',
    },
    json: { help: 'print as JSON' },
    class: { value: 'NAME', help: 'objects of which spec.className (default: tcpvs)' },
  },
  examples: [
    'tcpvs explain GET http://127.0.0.1:8000/appc/x --config examples/01-eapac-demo',
    'tcpvs explain GET https://shop.example/cart --live',
    "tcpvs explain POST http://shop.example/cart -H 'Cookie: beta=1' --config /etc/tcpvs --json",
  ],
};

/** `tcpvs explain` */
export async function explain(args: readonly string[], { out, err, style }: Output): Promise<number> {
  const line = readCommandLine(HELP, args);
  if (line.help) {
    out(helpText(HELP, style));
    return EXIT.ok;
  }
  const [method, url, ...rest] = line.operands;
  const config = line.value('config');
  if (method === undefined || url === undefined || rest.length > 0) throw new UsageError('METHOD and URL are needed');
  if ((config === null) === !isLive(line)) throw new UsageError('one of --config PATH and --live is needed');
  const target = parseUrl(url);
  const fields = line.values('header').map(parseField);
  const { snapshot, faults, notes } = await read(line, config);
  for (const text of faults) err(`tcpvs: ${printable(text)}\n`);
  for (const text of notes) err(`tcpvs: note: ${printable(text)}\n`);
  const explanation = explainRequest(snapshot, { method, ...target, fields });
  out(line.flag('json') ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation, style));
  return faults.length > 0 ? EXIT.failed : EXIT.ok;
}

interface Read {
  readonly snapshot: Snapshot;
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

async function read(line: CommandLine, config: string | null): Promise<Read> {
  if (config === null) {
    const { snapshot, unread } = await readLive(line);
    return { snapshot, faults: [], notes: unread.map((text) => `not read, and taken not to be there: ${text}`) };
  }
  const className = line.value('class') ?? 'tcpvs';
  const { translation, faults } = await readOffline(config, { className, cluster: false });
  return { snapshot: translation.snapshot, faults: faults.map(faultText), notes: [] };
}

/** The target is kept as it was typed: what the URL class would normalise is what the proxy's own rules are about. */
function parseUrl(url: string): Pick<AskedRequest, 'scheme' | 'authority' | 'host' | 'port' | 'target'> {
  const match = /^(https?):\/\/((\[[0-9a-fA-F:.]+\]|[^/?#:@[\]]+)(?::(\d{1,5}))?)([/?][^#]*)?(?:#.*)?$/.exec(url);
  if (match === null) {
    throw new UsageError(`URL: read ${JSON.stringify(url.slice(0, 200))}, expected http[s]://HOST[:PORT]/PATH`);
  }
  const [, named, authority = '', host = '', given, rest = '/'] = match;
  const scheme = named === 'https' ? 'https' : 'http';
  const port = given ?? (scheme === 'https' ? '443' : '80');
  return { scheme, authority, host, port: Number(port), target: rest.startsWith('/') ? rest : `/${rest}` };
}

function parseField(text: string): { name: string; value: string } {
  const at = text.indexOf(':');
  const [name, value] = [text.slice(0, Math.max(at, 0)).trim(), text.slice(at + 1).trim()];
  // oxlint-disable-next-line no-control-regex -- exactly what must not stand in a field
  if (at < 1 || /[\x00-\x1f\x7f]/.test(text)) {
    throw new UsageError(`--header: read ${JSON.stringify(text.slice(0, 200))}, expected 'NAME: VALUE'`);
  }
  return { name, value };
}
