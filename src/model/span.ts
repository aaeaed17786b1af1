/** A request as tracing tells of it: one span from the arrival of its head to the end of its answer. */
export interface Span {
  /** 32, 16 digits of hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** Of whoever asked; '' where the trace begins with us. */
  readonly parentId: string;
  /** Milliseconds since 1970, with fractions. */
  readonly start: number;
  readonly end: number;
  readonly method: string;
  /** Without the query, which may carry secrets. */
  readonly path: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly client: string;
  readonly virtualServer: string;
  readonly rule: string;
  /** `address:port`; '' where none was asked. */
  readonly server: string;
  /** 0: there was no answer. */
  readonly status: number;
  /** As in the access log. */
  readonly flag: string;
  readonly bytes: number;
  readonly retries: number;
}
