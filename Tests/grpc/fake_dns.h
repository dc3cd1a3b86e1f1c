#ifndef FAKE_DNS_H
#define FAKE_DNS_H

#include <stdatomic.h>

extern atomic_int fake_dns_calls;
void fake_dns_open_gate(void);     /* slow.test answers from now on */
void fake_dns_await_waiter(void);  /* until somebody asks for slow.test */

#endif
