/* Tells the thread sanitizer about Swift's Mutex, for the tests that are built with it (Scripts/sanitize thread).
 *
 * Locking and unlocking without contention are inlined, so the sanitizer sees their atomic operations. With contention both happen
 * within libswiftSynchronization.so, which is not instrumented: all that the lock protects would look like a race after that. So we
 * stand before its two functions, call them, and say what the mutex's word then passes on from one thread to the next.
 */
#if __has_feature(thread_sanitizer)

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Methods of Synchronization._MutexHandle; `self` is the address of the mutex's word. */
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF" /* (UInt32) -> () */
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"     /* () -> () */

typedef __attribute__((swiftcall)) void lock_function(uint32_t thread, __attribute__((swift_context)) void *word);
typedef __attribute__((swiftcall)) void unlock_function(__attribute__((swift_context)) void *word);

lock_function test_sanitizer_lock_slow __asm__(LOCK_SLOW);
unlock_function test_sanitizer_unlock_slow __asm__(UNLOCK_SLOW);

/* The library's own function. */
static void *next(const char *name, _Atomic(void *) *known) {
    void *function = atomic_load(known);
    if (function != NULL) return function;
    function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        fprintf(stderr, "Swift's Mutex has no %s any more: see Tests/TestSanitizer\n", name);
        abort();
    }
    atomic_store(known, function);
    return function;
}

__attribute__((swiftcall)) void test_sanitizer_lock_slow(uint32_t thread, __attribute__((swift_context)) void *word) {
    static _Atomic(void *) known;
    ((lock_function *)next(LOCK_SLOW, &known))(thread, word);
    __tsan_acquire(word);
}

__attribute__((swiftcall)) void test_sanitizer_unlock_slow(__attribute__((swift_context)) void *word) {
    static _Atomic(void *) known;
    __tsan_release(word);
    ((unlock_function *)next(UNLOCK_SLOW, &known))(word);
}

#endif
