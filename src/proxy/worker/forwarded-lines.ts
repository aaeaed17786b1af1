/** Lines that tell the server who asks, where the peer is not believed; they end with the head's empty line. */
export function forwardedLines(peer: string): Uint8Array {
  const node = peer.includes(':') ? `"[${peer}]"` : peer;
  return Buffer.from(
    `X-Forwarded-For: ${peer}\r\nX-Forwarded-Proto: http\r\nForwarded: for=${node};proto=http\r\n\r\n`,
    'latin1',
  );
}
