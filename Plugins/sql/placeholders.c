#include "placeholders.h"

#include <string.h>

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_part(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/* Behind a quoted part that begins at `at`, or NULL. Databases differ in what a backslash is there, so it is refused. */
static const char *after_quoted(const char *at, const char **why) {
    char quote = *at++;
    for (; *at != 0; at++) {
        if (*at == '\\' && quote != '`') {
            *why = "has a backslash within quotes, which databases read differently; make that text a parameter";
            return NULL;
        }
        if (*at != quote) continue;
        if (at[1] != quote) return at + 1;
        at++;
    }
    *why = "has a quote that does not end";
    return NULL;
}

static const char *after_comment(const char *at, const char **why) {
    for (at += 2; *at != 0; at++) {
        if (at[0] == '*' && at[1] == '/') return at + 2;
        if (at[0] == '/' && at[1] == '*') {
            *why = "has a comment within a comment, which databases read differently";
            return NULL;
        }
    }
    *why = "has a comment that does not end";
    return NULL;
}

/* $tag$ … $tag$ of PostgreSQL; `at` itself if it is none. */
static const char *after_dollars(const char *at, const char **why) {
    const char *tag = at + 1, *end;
    size_t length;
    while (is_part(*tag)) tag++;
    if (*tag != '$' || (at[1] >= '0' && at[1] <= '9')) return at;
    length = (size_t)(tag + 1 - at);
    for (end = tag + 1; *end != 0; end++) {
        if (strncmp(end, at, length) == 0) return end + length;
    }
    *why = "has a dollar quote that does not end";
    return NULL;
}

/* Behind what is no part of the statement proper; `at` itself if it is. */
static const char *after_opaque(const char *text, const char *at, const char **why) {
    if (*at == '\'' || *at == '"' || *at == '`') return after_quoted(at, why);
    if (at[0] == '-' && at[1] == '-') return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') return after_comment(at, why);
    if (*at == '$' && (at == text || !is_part(at[-1]))) return after_dollars(at, why);
    return at;
}

bool placeholders_read(const char *text, struct text *sql, struct marker *markers, size_t *count, const char **why) {
    const char *at = text;
    bool named = false, plain = false;
    *count = 0;
    while (*at != 0) {
        const char *next = after_opaque(text, at, why);
        if (next == NULL) return false;
        if (next == at && at[0] == ':' && (at[1] == ':' || at[1] == '=')) next = at + 2; /* a cast, an assignment */
        if (next != at) {
            text_add(sql, at, (size_t)(next - at));
            at = next;
            continue;
        }
        next = at + 1;
        if (*at == '?') {
            plain = true;
        } else if (*at == ':' && is_letter(at[1]) && (at == text || !is_part(at[-1]))) {
            named = true;
            while (is_part(*next)) next++;
        } else {
            text_add(sql, at++, 1);
            continue;
        }
        if (named && plain) {
            *why = "mixes :name and ?";
            return false;
        }
        if (*count == MAX_MARKERS) {
            *why = "has more than 1,000 places for parameters";
            return false;
        }
        markers[*count].name = named ? at + 1 : NULL;
        markers[*count].length = named ? (size_t)(next - at - 1) : 0;
        ++*count;
        text_put(sql, "?");
        at = next;
    }
    return true;
}

bool identifier_is_valid(const char *name) {
    int parts = 1;
    size_t length = 0;
    for (; *name != 0; name++) {
        if (*name == '.') {
            if (length == 0 || ++parts > 3) return false;
            length = 0;
        } else if (is_letter(*name) || (length > 0 && (is_part(*name) || *name == '$'))) {
            if (++length > 128) return false;
        } else {
            return false;
        }
    }
    return length > 0;
}

bool name_is_valid(const char *name) {
    size_t i;
    for (i = 0; name[i] != 0; i++) {
        if (!is_part(name[i]) && name[i] != '-' && name[i] != '.') return false;
    }
    return i > 0 && i <= 128;
}

void identifier_quote(struct text *sql, const char *name, char quote) {
    for (;;) {
        size_t length = strcspn(name, ".");
        if (quote != ' ') text_add(sql, &quote, 1);
        text_add(sql, name, length);
        if (quote != ' ') text_add(sql, &quote, 1);
        if (name[length] == 0) return;
        text_put(sql, ".");
        name += length + 1;
    }
}
