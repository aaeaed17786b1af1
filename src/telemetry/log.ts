import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** Fields that carry secrets wherever they stand; their values never reach the log. */
const SECRET = ['authorization', 'cookie', 'cookieKeys', 'ticketKeys', 'privateKey', 'password', 'token', 'secret'];

/** What waits for a reader of standard output that has stalled; beyond it lines are lost, the server is not. */
const BUFFER_BYTES = 4 << 20;

/**
 * A logger that writes JSON lines to standard output. `level` may be changed while it runs (`log.level = 'debug'`).
 * No pino transport: those are worker threads of their own, and break in a bundle.
 */
export function createLogger(options: { readonly level: LogLevel; readonly to?: DestinationStream }): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '(secret)' },
    },
    options.to ?? destination({ dest: 1, sync: false, maxLength: BUFFER_BYTES }),
  );
}
