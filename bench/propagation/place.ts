/** Where the controllers are. */
export const NAME = 'controllers.bench';
/** Of the leader, and of the other replica. */
export const ADDRESSES = ['127.0.0.1', '127.0.0.2'] as const;
