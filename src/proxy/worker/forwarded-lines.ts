/** Lines that tell the server who asks, where the peer is not believed; they end with the head's empty line. */
export function forwardedLines(peer: string, scheme: string): Uint8Array {
  const node = peer.includes(':') ? `"[${peer}]"` : peer;
  return Buffer.from(
    `X-Forwarded-For: ${peer}\r\nX-Forwarded-Proto: ${scheme}\r\nForwarded: for=${node};proto=${scheme}\r\n\r\n`,
    'latin1',
  );
}
