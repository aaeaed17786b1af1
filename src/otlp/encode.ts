/** Spans as OpenTelemetry's collectors read them (OTLP 1.x in JSON), with the names of its semantic conventions for HTTP. Pure. */
import { REASONS } from '../model/reasons.ts';
import type { Span } from '../model/span.ts';

/** Who sends: attributes of the resource, such as `service.name`. */
export type Resource = Readonly<Record<string, string>>;

/** The body of a request to `/v1/traces`. */
export function encodeSpans(spans: readonly Span[], resource: Resource, version: string): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [{ scope: { name: 'tcpvs', version }, spans: spans.map(encodeSpan) }],
      },
    ],
  });
}

const SERVER = 2;
const ERROR = 2;
/** Others are `_OTHER`, so that clients cannot make up names of spans. */
const METHODS: ReadonlySet<string> = new Set('CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE'.split(' '));
const FAULT = new Map<string, string>(REASONS.map(({ word, fault }) => [word, fault]));

function encodeSpan(span: Span): object {
  const { method, rule, virtualServer, server, status, flag, retries } = span;
  const known = METHODS.has(method);
  // A client's own mistake, or its leaving, is no failure of whoever serves it.
  const failed = status >= 500 || (flag !== '' && FAULT.has(flag) && FAULT.get(flag) !== 'client');
  const [address, port] = splitAddress(server);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId === '' ? {} : { parentSpanId: span.parentId }),
    name: `${known ? method : 'HTTP'}${rule === '' ? '' : ` ${rule}`}`,
    kind: SERVER,
    startTimeUnixNano: nanoseconds(span.start),
    endTimeUnixNano: nanoseconds(span.end),
    attributes: attributes({
      'http.request.method': known ? method : '_OTHER',
      ...(known ? {} : { 'http.request.method_original': method }),
      'url.scheme': span.scheme,
      'url.path': span.path,
      ...some('server.address', span.host),
      'client.address': span.client,
      ...(status === 0 ? {} : { 'http.response.status_code': status }),
      'http.response.size': span.bytes,
      ...some('network.peer.address', address),
      ...(port === 0 ? {} : { 'network.peer.port': port }),
      ...(failed ? { 'error.type': flag === '' ? String(status) : flag } : {}),
      ...some('tcpvs.virtual_server', virtualServer),
      ...some('tcpvs.rule', rule),
      ...some('tcpvs.flag', flag),
      ...(retries === 0 ? {} : { 'http.request.resend_count': retries }),
    }),
    status: failed ? { code: ERROR, ...(flag === '' ? {} : { message: flag }) } : {},
  };
}

const some = (name: string, value: string): Record<string, string> => (value === '' ? {} : { [name]: value });

/** Whole numbers are written as text, as JSON of protocol buffers has 64 bits. */
function attributes(of: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(of).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(Math.round(value)) } : { stringValue: value },
  }));
}

/** Milliseconds since 1970; nanoseconds do not fit into a number. */
function nanoseconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const rest = Math.min(999_999, Math.round((milliseconds - whole) * 1e6));
  return `${whole}${String(rest).padStart(6, '0')}`;
}

function splitAddress(server: string): [string, number] {
  const colon = server.lastIndexOf(':');
  return colon < 0 ? ['', 0] : [server.slice(0, colon), Number(server.slice(colon + 1))];
}
