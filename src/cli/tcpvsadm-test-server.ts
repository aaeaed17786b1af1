/** For tests: the objects half of the admin API, in memory, on a real Unix socket in a directory of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ApiObject, CountsDocument, ObjectsWrite, StatusDocument } from '../admin/contract.ts';

export interface FakeAdmin {
  readonly socket: string;
  objects: ApiObject[];
  counts: CountsDocument | null;
  status: StatusDocument;
  /** Next writes that are answered 409, as if somebody else had just written. */
  conflicts: number;
  /** Answered to every write, where not null. */
  refusal: string | null;
  writes: number;
  /** Resolves when the status is next read. */
  statusRead(): Promise<void>;
  close(): Promise<void>;
}

export async function startFakeAdmin(objects: ApiObject[] = []): Promise<FakeAdmin> {
  const directory = await mkdtemp(join(tmpdir(), 'tcpvsadm-'));
  const socket = join(directory, 'admin.sock');
  let revision = 1;
  let onStatus: (() => void) | null = null;
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  const fake: FakeAdmin = {
    socket,
    objects,
    counts: { rows: [], endpoints: [] },
    status: { objects: [] },
    conflicts: 0,
    refusal: null,
    writes: 0,
    statusRead: () => new Promise((resolve) => (onStatus = resolve)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /v1/objects') return { status: 200, body: { revision, objects: fake.objects } };
    if (route === 'GET /v1/status') {
      const body = fake.status;
      onStatus?.();
      return { status: 200, body };
    }
    if (route === 'GET /v1/counts') {
      return fake.counts === null ? { status: 503, body: { error: 'not ready' } } : { status: 200, body: fake.counts };
    }
    if (route !== 'POST /v1/objects') return { status: 404, body: { error: `no ${route}` } };
    return write(JSON.parse(Buffer.concat(chunks).toString()) as ObjectsWrite);
  }

  function write(wanted: ObjectsWrite): { status: number; body: unknown } {
    if (fake.conflicts > 0) {
      fake.conflicts -= 1;
      revision += 1;
    }
    if (wanted.revision !== revision) return { status: 409, body: { error: `revision is ${revision}` } };
    if (fake.refusal !== null) return { status: 422, body: { error: fake.refusal } };
    const gone = new Set([
      ...wanted.apply.map((object) => key(object.kind, object.metadata)),
      ...wanted.delete.map((each) => key(each.kind, each)),
    ]);
    fake.objects = [...fake.objects.filter((object) => !gone.has(key(object.kind, object.metadata))), ...wanted.apply];
    fake.writes += 1;
    revision += 1;
    return { status: 200, body: { revision, objects: fake.objects } };
  }

  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return fake;
}

function key(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}
