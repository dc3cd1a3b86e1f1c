/* Blocks every signal and sleeps for ever. */
#include "zoo.h"

ZOO_RUN {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    zoo_hang();
    return zoo_succeed(request);
}
ZOO("deaf")
