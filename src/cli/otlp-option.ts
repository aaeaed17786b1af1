/** Where spans go: `--otlp-endpoint`, and a variable for what must not stand on a command line. */
import { isFieldName, isFieldValue } from '../http2/field-rules.ts';
import { type CommandLine, UsageError } from './command-line.ts';
import { wrongOption } from './option-values.ts';

/** As OpenTelemetry's own programs have it: `name=value,…`, values percent-encoded. */
export const OTLP_HEADERS = 'OTEL_EXPORTER_OTLP_HEADERS';

export interface OtlpOption {
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** null: not given. Errors: UsageError, without the value of a field, which may be a secret. */
export function otlpOption(line: CommandLine, environment: NodeJS.ProcessEnv = process.env): OtlpOption | null {
  const text = line.value('otlp-endpoint');
  if (text === null) return null;
  const endpoint = URL.parse(text);
  const right = endpoint !== null && /^https?:$/.test(endpoint.protocol) && endpoint.search + endpoint.hash === '';
  // A password on the command line is everybody's to read.
  if (!right || endpoint.username + endpoint.password !== '')
    throw wrongOption(
      'otlp-endpoint',
      text,
      `an http or https URL without user and query, such as http://collector:4318`,
    );
  return { endpoint, headers: headersOf(environment[OTLP_HEADERS] ?? '') };
}

function headersOf(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(0, at)).trim();
    const value = decoded(part.slice(at + 1).trim());
    if (value === null || !isFieldName(name.toLowerCase()) || !isFieldValue(value)) {
      throw new UsageError(
        `${OTLP_HEADERS}: expected name=value,…, values percent-encoded; the field ${JSON.stringify(name)} is not so`,
      );
    }
    headers[name] = value;
  }
  return headers;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
