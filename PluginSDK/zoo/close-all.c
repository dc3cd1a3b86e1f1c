/* Closes every descriptor of its process. */
#include "zoo.h"

ZOO_RUN {
    for (int fd = 0; fd < 1024; fd++) close(fd);
    zoo_hang();
    return zoo_succeed(request);
}
ZOO("close-all")
