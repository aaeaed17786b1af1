/** Reasons of conditions: stable words, and what each means. */
export const REASONS = {
  Accepted: 'The object is right and has what it asked for.',
  Invalid: 'The object is not of the form that the API asks for; the message says where.',
  InvalidPattern: 'A Pattern or Regex of a rule does not compile; the message says which and why.',
  PatternsTooExpensive:
    'The patterns of some rules could cost more time than those of one virtual server may; these rules are left out.',
  InvalidAddress: 'A listener’s address is no IP address.',
  StandaloneOnly: 'The object uses a field that has a meaning without a cluster only.',
  ListenerConflict:
    'An older virtual server has the same port with another protocol or setting, at an overlapping address, or for itself.',
  HostConflict: 'An older virtual server has some of the hosts on that port; what is left is served.',
  HostNotAllowed:
    'The installation’s hostPolicy does not let the namespace claim some of the hosts; what is left is served.',
  AddressNotAllowed: 'The installation’s addressPolicy does not let the namespace send requests to that address.',
  PortNotExposed: 'The proxies’ Service does not have the port of a listener, so no client could reach it.',
  ResolvedRefs: 'All that the object refers to is there.',
  ServerNotFound: 'A RealServer that the object names does not exist in its namespace, or is of another class.',
  MatrixNotFound: 'An AppWeightMatrix that the object names does not exist in its namespace, or is of another class.',
  AppNotFound: 'An app is a column of none of the matrices.',
  AmbiguousApp: 'An app is a column of several of the matrices; the first one serves.',
  NoPortForApp: 'A RealServer has no port for what is asked of it.',
  NodeServer: 'A node has no app outside a matrix, so it cannot be a plain destination.',
  CertificateNotFound: 'A Secret (or file) with a certificate is not there.',
  InvalidCertificate: 'A certificate or its key cannot be used; the message says why.',
  NoCertificate: 'An HTTPS listener has no certificate left that could be used, or no authority to check clients by.',
  RefNotPermitted: 'A reference to another namespace that no ReferenceGrant allows.',
  ServiceNotFound: 'A Service that the object names does not exist.',
  PortNotFound: 'A Service has no such port; the message lists those that it has.',
  ExternalNameService: 'A Service of type ExternalName has no endpoints; a RealServer with an address says the same.',
  ServiceNotGiven: 'An app has no serviceRef, and a row is a node, whose endpoints only a Service tells.',
  NodeNotFound: 'The cluster has no such node, or none with these labels.',
  NoEndpoints: 'A Service has no endpoint that is ready, nor one that still serves.',
  NeedsCluster: 'Nodes and Services are known in a cluster only.',
  Suspended: 'spec.suspend is set; nothing listens.',
  NotServed: 'Nothing of the object is served, because it is not accepted.',
  SchedulerReadsNoRequest: 'A rule is kept and not used, because the scheduler dispatches connections.',
  Pending: 'Not known yet.',
  Quiesced: 'spec.quiesce is set; no new work.',
  InService: 'Takes new work.',
  Ready: 'Accepted, resolved and programmed.',
} as const satisfies Record<string, string>;

export type ConditionReason = keyof typeof REASONS;
