#include "connection_string.h"

#include <stdio.h>

#define CODE "sql.config"
#define MOST_BYTES 30000 /* ODBC has 16 bits for the length */

struct making {
    const struct connection_settings *settings;
    struct text *text;
    struct problem *problem;
};

static bool is_key(const char *key) {
    size_t i;
    for (i = 0; key[i] != 0; i++) {
        char c = key[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return i > 0 && i <= 64;
}

/* Neither the driver manager nor any driver reads something else out of these. */
static bool is_plain(spindle_str value) {
    size_t i;
    for (i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c <= ' ' || c == 127 || strchr(";{}[]()=?*!@,'\"\\%+", c) != NULL) return false;
    }
    return value.len > 0;
}

static bool has_control(spindle_str value) {
    size_t i;
    for (i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 127) return true;
    }
    return false;
}

static void put_braced(struct text *text, spindle_str value) {
    size_t i;
    text_put(text, "{");
    for (i = 0; i < value.len; i++) text_add(text, value.ptr[i] == '}' ? "}}" : value.ptr + i, value.ptr[i] == '}' ? 2 : 1);
    text_put(text, "}");
}

/* psqlodbc takes braces off PWD and pqopt only, libsqlite3odbc off nothing. */
static bool may_brace(const struct making *m, const char *key) {
    if (strcmp(key, "DRIVER") == 0) return true; /* which the driver manager reads */
    switch (m->settings->system) {
    case SYSTEM_POSTGRESQL: return strcmp(key, "PWD") == 0 || strcmp(key, "pqopt") == 0;
    case SYSTEM_SQLITE: return false;
    default: return true;
    }
}

static bool put(const struct making *m, const char *key, spindle_str value) {
    char pointer[SPINDLE_MAX_NAME_BYTES];
    bool plain = is_plain(value);
    if (value.len == 0) return true;
    if (has_control(value) || (!plain && !may_brace(m, key))) {
        (void)snprintf(pointer, sizeof pointer, "/connections/%s", m->settings->name);
        return problem_set(m->problem, CODE, pointer, "the value of \"%s\" of connection \"%s\" has a character that cannot be given "
                                                      "to its driver", key, m->settings->name);
    }
    text_format(m->text, "%s=", key);
    if (plain && strcmp(key, "PWD") != 0) text_add(m->text, value.ptr, value.len);
    else put_braced(m->text, value);
    text_put(m->text, ";");
    return true;
}

static bool put_member(const struct making *m, const char *member, const char *key) {
    const char *value = json_string_value(json_object_get(m->settings->json, member));
    return value == NULL || put(m, key, spindle_str_from_cstr(value));
}

static bool put_tls(const struct making *m) {
    const json_t *tls = json_object_get(m->settings->json, "tls");
    static const char *const own[] = { "SSLmode", "CA", "pqopt", "FORCETLS", "SSLVERIFY", "SSLCA", "SSLCAPATH" };
    const char *file = json_string_value(json_object_get(tls, "caFile"));
    size_t i;
    char pointer[SPINDLE_MAX_NAME_BYTES], option[1024];
    if (tls == NULL) return true;
    (void)snprintf(pointer, sizeof pointer, "/connections/%s/tls", m->settings->name);
    if (file == NULL || file[0] != '/' || strlen(file) > 900 || strchr(file, ' ') != NULL || !is_plain(spindle_str_from_cstr(file))) {
        return problem_set(m->problem, CODE, pointer, "\"tls\" of connection \"%s\" must have \"caFile\", an absolute path without "
                                                      "blanks and special characters", m->settings->name);
    }
    for (i = 0; i < sizeof own / sizeof *own; i++) {
        if (connection_option_is_given(m->settings, own[i])) {
            return problem_set(m->problem, CODE, pointer, "\"tls\" of connection \"%s\" and its option \"%s\" say the same thing; leave one of "
                                                          "them away", m->settings->name, own[i]);
        }
    }
    if (m->settings->system == SYSTEM_POSTGRESQL) {
        (void)snprintf(option, sizeof option, "sslrootcert=%s", file);
        return put(m, "SSLmode", SPINDLE_STR("verify-full")) && put(m, "pqopt", spindle_str_from_cstr(option));
    }
    if (m->settings->system == SYSTEM_MARIADB) {
        return put(m, "FORCETLS", SPINDLE_STR("1")) && put(m, "SSLVERIFY", SPINDLE_STR("1")) &&
               put(m, "SSLCA", spindle_str_from_cstr(file));
    }
    return problem_set(m->problem, CODE, pointer, "\"tls\" is known for postgresql and mariadb; use \"options\" of the driver of "
                                                  "connection \"%s\"", m->settings->name);
}

bool connection_option_is_given(const struct connection_settings *settings, const char *key) {
    json_t *options = json_object_get(settings->json, "options"), *value;
    const char *name;
    json_object_foreach(options, name, value) {
        if (str_is_nocase(spindle_str_from_cstr(name), key)) return true;
    }
    return false;
}

/* What results need to be exact and of bounded memory. An operator's option stands in the place of one of these. */
static bool put_defaults(const struct making *m) {
    static const char *const defaults[][2] = {
        [SYSTEM_POSTGRESQL] = { "UseDeclareFetch=1 Fetch=1000 BoolsAsChar=0 ByteaAsLongVarBinary=1 UseServerSidePrepare=1 "
                                "Protocol=7.4-1 ", NULL },
        [SYSTEM_MARIADB] = { "CHARSET=utf8mb4 NO_PROMPT=1 ", "CONN_TIMEOUT" },
        [SYSTEM_SQLITE] = { "StepAPI=1 FKSupport=1 Timeout=5000 ", NULL },
        [SYSTEM_OTHER] = { "", NULL },
    };
    const char *at = defaults[m->settings->system][0], *timeout = defaults[m->settings->system][1];
    char key[32], seconds[24];
    for (; *at != 0; at += strcspn(at, " ") + 1) {
        (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(at, "="), at);
        if (!connection_option_is_given(m->settings, key)) text_format(m->text, "%.*s;", (int)strcspn(at, " "), at);
    }
    if (timeout == NULL || connection_option_is_given(m->settings, timeout)) return true;
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)((m->settings->connect_timeout_ms + 999) / 1000));
    return put(m, timeout, spindle_str_from_cstr(seconds));
}

static bool put_options(const struct making *m) {
    json_t *options = json_object_get(m->settings->json, "options"), *value;
    static const char *const known[] = { "dsn", "driver", "server", "port", "database", "uid", "user", "pwd", "password" };
    char pointer[SPINDLE_MAX_NAME_BYTES];
    const char *key;
    size_t i;
    (void)snprintf(pointer, sizeof pointer, "/connections/%s/options", m->settings->name);
    json_object_foreach(options, key, value) {
        if (!is_key(key) || !json_is_string(value)) {
            return problem_set(m->problem, CODE, pointer, "\"options\" of connection \"%s\" must be names of letters, digits and _ with "
                                                          "text", m->settings->name);
        }
        for (i = 0; i < sizeof known / sizeof *known; i++) {
            if (str_is_nocase(spindle_str_from_cstr(key), known[i])) {
                return problem_set(m->problem, CODE, pointer, "\"%s\" is no option but a key of the connection \"%s\" itself", key,
                                   m->settings->name);
            }
        }
        if (!put(m, key, spindle_str_from_cstr(json_string_value(value)))) return false;
    }
    return true;
}

bool connection_string_make(const struct connection_settings *settings, spindle_str password, struct text *text,
                            struct problem *problem) {
    const struct making m = { settings, text, problem };
    int64_t port = 0;
    char number[16];
    if (!config_integer(settings->json, "port", 1, 65535, &port, "/connections", problem)) return false;
    (void)snprintf(number, sizeof number, "%lld", (long long)port);
    if (!put_member(&m, "dsn", "DSN") || !put_member(&m, "driver", "DRIVER") || !put_member(&m, "server", "SERVER") ||
        (port > 0 && !put(&m, "PORT", spindle_str_from_cstr(number))) || !put_member(&m, "database", "DATABASE") ||
        !put_member(&m, "user", "UID") || !put_options(&m) || !put_tls(&m) || !put_defaults(&m)) {
        return false;
    }
    if (json_object_get(settings->json, "password") != NULL && !put(&m, "PWD", password)) return false;
    if (text->lost) return problem_memory(problem);
    return text->length <= MOST_BYTES || problem_set(problem, CODE, "/connections", "the text for the driver of connection \"%s\" is longer than "
                                                                                    "%d bytes", settings->name, MOST_BYTES);
}
