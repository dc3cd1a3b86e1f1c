/* A TCP server of the tests that stands before the broker, or answers as none would. */
#ifndef PROXY_H
#define PROXY_H

enum proxy_kind { PROXY_FORWARD, PROXY_SILENT, PROXY_GARBAGE };

struct proxy;

/* Listens on a free port of 127.0.0.1. */
struct proxy *proxy_start(enum proxy_kind kind, int broker_port);
int proxy_port(const struct proxy *proxy);
/* What the broker says is kept back from now on; or is let through, with all that was kept. */
void proxy_hold(struct proxy *proxy, int hold);
/* The same for what the client says: it reads nothing any more. */
void proxy_deafen(struct proxy *proxy, int deaf);
/* The same, as soon as the client has sent so many bytes. */
void proxy_deafen_at(struct proxy *proxy, long long bytes);
/* Bytes that the client has sent so far; and waits until there are so many. */
void proxy_wait_bytes(struct proxy *proxy, long long bytes);
long long proxy_bytes(struct proxy *proxy);
int proxy_connections(struct proxy *proxy); /* that were ever made */
/* Breaks every connection; they are broken when it returns. */
void proxy_cut(struct proxy *proxy);
/* Sends bytes of its own to the client. */
void proxy_inject(struct proxy *proxy, const char *bytes, int length);
void proxy_stop(struct proxy *proxy);

#endif
