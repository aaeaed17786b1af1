/** What of Node's streams is used directly: the state that goes with every read and write, and whether it is there at all. */

interface StreamBinding {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteErr: number;
  readonly recordsStatus: boolean;
}

interface RawBinding extends Omit<StreamBinding, 'recordsStatus'> {
  readonly WriteWrap: new () => object;
}

const binding = probe();

/** Handles are used directly. */
export const DIRECT = binding !== null;
/** A write that nobody hears of tells in itself how it went, once it is done. */
export const RECORDS_STATUS = binding?.recordsStatus ?? false;

const streamState = binding?.streamBaseState ?? new Int32Array(1);
const readIndex = binding?.kReadBytesOrError ?? 0;
const errorIndex = binding?.kLastWriteErr ?? 0;

/** Bytes of the read that is being reported, or a negative error (`END` = end of file). */
export function readResult(): number {
  return streamState[readIndex]!;
}

/** Error of a write that was just begun on TLS; 0 = none. */
export function lastWriteError(): number {
  return streamState[errorIndex]!;
}

/** libuv's UV_EOF */
export const END = -4095;

function probe(): StreamBinding | null {
  if (process.env['TCPVS_IO'] === 'public') return null;
  try {
    const wrap = (process as unknown as { binding(name: string): Partial<RawBinding> }).binding('stream_wrap');
    const { streamBaseState, kReadBytesOrError, kLastWriteErr, WriteWrap } = wrap;
    const recordsStatus = WriteWrap !== undefined && 'writeStatus' in new WriteWrap();
    return streamBaseState instanceof Int32Array && kReadBytesOrError !== undefined && kLastWriteErr !== undefined
      ? { streamBaseState, kReadBytesOrError, kLastWriteErr, recordsStatus }
      : null;
  } catch {
    return null;
  }
}
