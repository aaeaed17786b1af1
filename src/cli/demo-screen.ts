/** What the demo shows, as lines of text; pure. */
import { percent, type AppShares } from './demo-shares.ts';

export interface Picture {
  readonly servers: readonly string[];
  readonly shares: readonly AppShares[];
  /** Per app, as the clients saw it. */
  readonly load: ReadonlyMap<string, { readonly answered: number; readonly errors: number }>;
  readonly seconds: number;
  readonly mostSeconds: number;
  /** Columns of the terminal. */
  readonly width: number;
  readonly colours: boolean;
}

const CELL = 8;
const SIDE_BY_SIDE = 126;

export function matrices(picture: Picture): string[] {
  const paint = painter(picture.colours);
  const asked = [
    paint.bold(header('asked %', picture.servers)),
    ...picture.shares.map((row) => askedLine(row, picture)),
  ];
  const delivered = [
    paint.bold(
      `${header('delivered %', picture.servers)}${'requests'.padStart(10)}${'errors'.padStart(8)}${'off by'.padStart(8)}`,
    ),
    ...picture.shares.map((row) => deliveredLine(row, picture)),
  ];
  if (picture.width < SIDE_BY_SIDE) return [...asked, '', ...delivered];
  return asked.map((line, index) => `${line}   ${delivered[index] ?? ''}`);
}

export function title(picture: Picture): string {
  const answered = [...picture.load.values()].reduce((sum, app) => sum + app.answered, 0);
  const errors = [...picture.load.values()].reduce((sum, app) => sum + app.errors, 0);
  const clock = `${time(picture.seconds)} of ${time(picture.mostSeconds)}`;
  return `tcpvs demo · ${clock} · ${answered.toLocaleString('en')} requests answered, ${errors} errors`;
}

/** One line for where there is no terminal. */
export function summary(picture: Picture): string {
  const rows = picture.shares.map((row) => {
    const cells = row.cells.filter((cell) => cell.asked > 0 || cell.requests > 0);
    return `${row.app} ${cells.map((cell) => `${cell.server} ${cell.delivered === null ? '-' : percent(cell.delivered)}`).join(' / ')}`;
  });
  return `${title(picture)} · ${rows.join(' · ')}`;
}

export interface Places {
  readonly directory: string;
  readonly socket: string;
  /** Where the virtual server listens, HOST:PORT. */
  readonly listen: string;
  readonly serverPort: number;
}

/** Commands to try while it runs. */
export function commands(places: Places, colours: boolean): string[] {
  const paint = painter(colours);
  return [
    paint.bold('Try, in a second terminal:'),
    `  export TCPVS_SOCKET=${places.socket}`,
    '  bin/tcpvsadm -L',
    `  bin/tcpvsadm --add-rule -i http -p '/appc/.*' -w 50 -r web2:${places.serverPort}`,
    `  bin/tcpvsadm --add-rule -i http -p '/appe/.*' -w 0 -r web5:${places.serverPort}  # quiesces it`,
    `  $EDITOR ${places.directory}/matrix.yaml   # in force when saved`,
    `  curl -i http://${places.listen}/appc/`,
    paint.dim('Ctrl-C ends all of it: load, tcpvs, web servers and temporary files.'),
  ];
}

/** As many lines as a terminal of so many rows can show without scrolling: blank ones go first. */
export function fitting(lines: readonly string[], rows: number): readonly string[] {
  return lines.length < rows ? lines : lines.filter((line) => line !== '').slice(0, rows - 1);
}

function header(name: string, servers: readonly string[]): string {
  return name.padEnd(12) + servers.map((server) => server.padStart(CELL)).join('');
}

function askedLine(row: AppShares, picture: Picture): string {
  const cells = picture.servers.map((server) => {
    const cell = row.cells.find((candidate) => candidate.server === server);
    return (cell === undefined ? '' : trim(percent(cell.asked))).padStart(CELL);
  });
  return row.app.padEnd(12) + cells.join('');
}

function deliveredLine(row: AppShares, picture: Picture): string {
  const paint = painter(picture.colours);
  const cells = picture.servers.map((server) => {
    const cell = row.cells.find((candidate) => candidate.server === server);
    if (cell === undefined || cell.delivered === null) return ''.padStart(CELL);
    const text = percent(cell.delivered).padStart(CELL);
    return Math.abs(cell.requests - row.requests * cell.asked) <= 1 ? paint.green(text) : paint.red(text);
  });
  const errors = picture.load.get(row.app)?.errors ?? 0;
  const errorText = String(errors).padStart(8);
  return (
    row.app.padEnd(12) +
    cells.join('') +
    row.requests.toLocaleString('en').padStart(10) +
    (errors === 0 ? errorText : paint.red(errorText)) +
    row.offBy.toFixed(2).padStart(8)
  );
}

/** `87.00` → `87`: what is asked is whole percents more often than not. */
function trim(text: string): string {
  return text.replace(/\.?0+$/, '');
}

function time(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function painter(colours: boolean) {
  const paint = (code: number) => (text: string) => (colours ? `\u001B[${code}m${text}\u001B[0m` : text);
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32) };
}
