/* Which attempt the calling thread works for: for the plugin as a handle, for a crash as a token in the shared page. */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"

static __thread spindle_handle current_handle;
static __thread uint64_t current_token;
static __thread spw_page *entry_page; /* the page that `entry` was asked of */
static __thread spw_page_thread *entry;

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* A thread that ends gives its entry back, or a plugin that starts a thread for each attempt would use them all up. */
static void give_back(void *value) {
    spw_page_thread *gone = value;
    __atomic_store_n(&gone->token, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&gone->tid, 0, __ATOMIC_RELEASE);
}

static void make_key(void) { pthread_key_create(&exit_key, give_back); }

static void claim_entry(spw_page *page) {
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    entry_page = page;
    entry = NULL;
    pthread_once(&exit_once, make_key);
    for (size_t i = 0; i < SPW_PAGE_THREADS; i++) {
        uint32_t nobody = 0;
        if (__atomic_compare_exchange_n(&page->threads[i].tid, &nobody, tid, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            entry = &page->threads[i];
            pthread_setspecific(exit_key, entry);
            return;
        }
    }
    __atomic_add_fetch(&page->overflow, 1, __ATOMIC_RELAXED);
}

spindle_handle thread_enter(spw_session *session, spindle_handle handle, uint64_t token) {
    spindle_handle before = current_handle;
    current_handle = handle;
    current_token = token;
    if (session->page != NULL) {
        if (entry_page != session->page) claim_entry(session->page);
        if (entry != NULL) __atomic_store_n(&entry->token, token, __ATOMIC_RELAXED);
    }
    return before;
}

uint64_t spw_session_current_token(void) { return current_token; }
