/** A request to the admin API that is refused: an HTTP status, and a message for the person who asked. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
