/* tls_open.c - see tls_open.h. */
#include "proc/tls_open.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "os/fd.h"
#include "os/file.h"

static bool is_not(struct tls_fault *fault, enum reason reason, const char *path, const char *why)
{
    fault->reason = reason;
    snprintf(fault->text, sizeof fault->text, "%s: %s", path, why);
    return false;
}

/* A link is followed: who renews certificates changes where it leads. */
static bool open_whole(const char *path, int *out, struct tls_fault *fault)
{
    const char *wrong = file_open_whole(path, out);
    return wrong == NULL || is_not(fault, REASON_TLS_FILE_UNUSABLE, path, wrong);
}

/* Access lists count, too: what they let others do shows in the group's bits (acl(5)). */
static bool is_the_owners(const char *path, int fd, uid_t owner, struct tls_fault *fault)
{
    struct stat is;
    if (fstat(fd, &is) != 0)
        return is_not(fault, REASON_TLS_FILE_UNUSABLE, path, "cannot be looked at");
    if (owner != TLS_ANY_OWNER && is.st_uid != owner && is.st_uid != 0)
        return is_not(fault, REASON_TLS_KEY_UNSAFE, path, "another user's");
    if ((is.st_mode & 077) != 0)
        return is_not(fault, REASON_TLS_KEY_UNSAFE, path, "open to others than its owner");
    return true;
}

bool tls_open(const struct settings *settings, uid_t owner, int *certificate, int *key,
              struct tls_fault *fault)
{
    auto_fd int chain = -1;
    auto_fd int private_key = -1;
    if (settings->tls_certificate[0] == 0)
        return true;
    if (!open_whole(settings->tls_certificate, &chain, fault) ||
        !open_whole(settings->tls_key, &private_key, fault) ||
        !is_the_owners(settings->tls_key, private_key, owner, fault))
        return false;
    *certificate = fd_take(&chain);
    *key = fd_take(&private_key);
    return true;
}

/* Whoever may write it says who an operator is. */
static bool open_judging(const char *path, uid_t owner, enum reason reason, int *out,
                         struct tls_fault *fault)
{
    struct stat is;
    auto_fd int fd = -1;
    const char *wrong = file_open_whole(path, &fd);
    if (wrong != NULL)
        return is_not(fault, reason, path, wrong);
    if (fstat(fd, &is) != 0)
        return is_not(fault, reason, path, "cannot be looked at");
    if (owner != TLS_ANY_OWNER && is.st_uid != owner && is.st_uid != 0)
        return is_not(fault, reason, path, "another user's");
    if ((is.st_mode & 022) != 0)
        return is_not(fault, reason, path, "may be written by others than its owner");
    *out = fd_take(&fd);
    return true;
}

bool tls_open_clients(const struct settings *settings, uid_t owner, int *ca, int *crl,
                      struct tls_fault *fault)
{
    auto_fd int roots = -1;
    auto_fd int lists = -1;
    if (settings->tls_client_ca[0] != 0 &&
        !open_judging(settings->tls_client_ca, owner, REASON_TLS_CLIENT_CA_UNUSABLE, &roots, fault))
        return false;
    if (settings->tls_client_crl[0] != 0 &&
        !open_judging(settings->tls_client_crl, owner, REASON_TLS_CLIENT_CRL_UNUSABLE, &lists,
                      fault))
        return false;
    *ca = fd_take(&roots);
    *crl = fd_take(&lists);
    return true;
}

const char *tls_path(const struct settings *settings, enum reason reason)
{
    static const struct {
        const char *begin;
        size_t field;
    } files[] = { { "TLS_CERTIFICATE_", offsetof(struct settings, tls_certificate) },
                  { "TLS_KEY_", offsetof(struct settings, tls_key) },
                  { "TLS_CLIENT_CA_", offsetof(struct settings, tls_client_ca) },
                  { "TLS_CLIENT_CRL_", offsetof(struct settings, tls_client_crl) } };
    const char *name = reason_info(reason)->name;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (strncmp(name, files[i].begin, strlen(files[i].begin)) == 0)
            return (const char *)settings + files[i].field;
    }
    return NULL;
}
