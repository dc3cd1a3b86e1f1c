/* Starts 200 threads that wait for each other. */
#include "zoo.h"

static void *wait_for_all(void *barrier) {
    pthread_mutex_lock(barrier);
    pthread_mutex_unlock(barrier);
    return NULL;
}

ZOO_RUN {
    static pthread_t threads[200];
    static pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
    int count = 0;
    pthread_mutex_lock(&barrier);
    while (count < 200 && pthread_create(&threads[count], NULL, wait_for_all, &barrier) == 0) count++;
    pthread_mutex_unlock(&barrier);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    return count == 200 ? zoo_succeed(request) : zoo_fail(request, "zoo.no-thread");
}
ZOO("thread-bomb")
