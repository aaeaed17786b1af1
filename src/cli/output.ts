/** Text for people: colours only where a person looks at it. */

interface Terminal {
  readonly isTTY?: boolean;
}

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** Plain unless the stream is a terminal that wants colours (https://no-color.org, TERM=dumb). */
export function styleOf(
  stream: Terminal,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Style {
  const coloured = stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  const wrap = (code: number) => (text: string) => (coloured && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: wrap(1), dim: wrap(2) };
}

/**
 * Text of others (a server's message, a file's words) on one line of a terminal: control characters, which could move
 * the cursor or rewrite what was printed, are shown as escapes.
 */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) =>
    char === '\n' ? '\\n' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Where a command writes. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly style: Style;
}

export function processOutput(): Output {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    style: styleOf(process.stdout),
  };
}
