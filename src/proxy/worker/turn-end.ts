/** What is put off to the end of the present turn of the event loop, so that all that comes about in it goes out at once. */
interface Turning {
  turn(): void;
  guarded(run: () => void): void;
}

const waiting: Turning[] = [];

/** Its `turn` is called then; it sees to it itself that it waits but once. */
export function atTurnEnd(connection: Turning): void {
  if (waiting.push(connection) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  const connections = waiting.splice(0);
  for (const connection of connections) connection.guarded(() => connection.turn());
}
