/* Its constructor starts a process and a thread, opens a socket and writes a file. */
#include <fcntl.h>
#include <sys/socket.h>

#include "zoo.h"

static void *idle(ZOO_UNUSED void *argument) {
    zoo_hang();
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    pthread_t thread;
    (void)socket(AF_INET, SOCK_STREAM, 0);
    (void)open("/tmp/spindle-zoo", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)unlink("/tmp/spindle-zoo");
    if (fork() == 0) zoo_hang();
    (void)pthread_create(&thread, NULL, idle, NULL);
}

ZOO_RUN { return zoo_succeed(request); }
ZOO("constructor-busy")
