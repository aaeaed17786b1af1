import { z } from 'zod';

import { redactSnapshot } from '../model/redact.ts';
import { CONTENT_TYPE } from '../telemetry/exposition.ts';
import type { AdminBackend, Readiness } from './backend.ts';
import { Refusal } from './refusal.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Handler<Backend> = (backend: Backend, body: () => Promise<unknown>) => Answer | Promise<Answer>;
/** Path → method → handler. GET answers HEAD too. */
export type Routes<Backend> = ReadonlyMap<string, Readonly<Record<string, Handler<Backend>>>>;
/** What anybody who reaches HOST:PORT may see. */
export type PublicBackend = Pick<AdminBackend, 'readiness' | 'metrics'>;

const name = z.string().min(1).max(253);
const writeSchema = z.strictObject({
  revision: z.int(),
  apply: z
    .array(
      z.looseObject({
        apiVersion: name,
        kind: name,
        metadata: z.looseObject({ name, namespace: name.default('default') }),
        spec: z.unknown(),
      }),
    )
    .max(20_000),
  delete: z.array(z.strictObject({ kind: name, namespace: name, name })).max(20_000),
});
const levelSchema = z.strictObject({ level: z.string().max(16) });

export const PUBLIC_ROUTES: Routes<PublicBackend> = new Map<string, Readonly<Record<string, Handler<PublicBackend>>>>([
  ['/healthz', { GET: () => text(200, 'ok') }],
  ['/readyz', { GET: (backend) => readiness(backend.readiness(), false) }],
  ['/metrics', { GET: (backend) => ({ status: 200, type: CONTENT_TYPE, body: backend.metrics() }) }],
]);

/** What the owner of the Unix socket may see and do. */
export const OWNER_ROUTES: Routes<AdminBackend> = new Map<string, Readonly<Record<string, Handler<AdminBackend>>>>([
  ...PUBLIC_ROUTES,
  ['/readyz', { GET: (backend) => readiness(backend.readiness(), true) }],
  ['/v1/status', { GET: (backend) => json(backend.status()) }],
  [
    '/v1/objects',
    {
      GET: (backend) => json(backend.objects()),
      POST: async (backend, body) => {
        const write = parse(writeSchema, await body());
        return json(await backend.write(write));
      },
    },
  ],
  ['/v1/counts', { GET: (backend) => json(backend.counts()) }],
  ['/v1/profiles', { GET: (backend) => json(backend.profiles()) }],
  [
    '/v1/snapshot',
    {
      GET: (backend) => {
        const snapshot = backend.snapshot();
        if (snapshot === null) throw new Refusal(503, 'no snapshot is served yet');
        return json(redactSnapshot(snapshot));
      },
    },
  ],
  [
    '/v1/log-level',
    {
      GET: (backend) => json({ level: backend.logLevel() }),
      PUT: async (backend, body) => {
        const { level } = parse(levelSchema, await body());
        if (!backend.setLogLevel(level)) {
          const expected = 'fatal, error, warn, info, debug, trace or silent';
          throw new Refusal(400, `level: read ${JSON.stringify(level)}, expected ${expected}`);
        }
        return json({ level });
      },
    },
  ],
  [
    '/v1/reload',
    {
      POST: async (backend) => {
        await backend.reload();
        const { faults = [] } = backend.status();
        return json({ faults });
      },
    },
  ],
]);

/** What a cluster's controller shows: what the proxies have counted, as one (`kubectl tcpvs -L`), and what was learned of it. */
export const CONTROLLER_ROUTES: Routes<ControllerBackend> = new Map<
  string,
  Readonly<Record<string, Handler<ControllerBackend>>>
>([
  ...PUBLIC_ROUTES,
  ['/v1/counts', { GET: (backend) => json(backend.counts()) }],
  ['/v1/profiles', { GET: (backend) => json(backend.profiles()) }],
]);

export type ControllerBackend = PublicBackend & Pick<AdminBackend, 'counts' | 'profiles'>;

function readiness({ ready, reasons, details }: Readiness, owner: boolean): Answer {
  const lines = owner ? [...reasons, ...details] : reasons;
  return text(ready ? 200 : 503, [ready ? 'ready' : 'not ready', ...lines].join('\n'));
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new Refusal(400, issues.join('; '));
}
