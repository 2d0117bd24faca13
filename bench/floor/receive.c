/* The floor of ingest: a server that does the least work there is for an upload.
 *
 *   receive PORT FOLDER
 *
 * A thread a connection. Each PUT is received half a MiB at a time into one buffer, hashed with SHA-256 while it is still
 * in the cache, written to a file of its own in pieces of 64 KiB (larger ones cost this kernel more, and the door writes
 * such ones too), synced (fdatasync), and answered with 201. GET /cpu answers the CPU seconds of the process so far. No
 * permission, no database, no format: whatever ours takes longer, it takes for those.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 19, PIECE = 1 << 16, HEAD = 16384 };
static const char *folder;
static long counter;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int send_all(int connection, const char *data, size_t length) {
    while (length) {
        ssize_t sent = send(connection, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return -1;
        data += sent;
        length -= sent;
    }
    return 0;
}

/* Read up to the end of the head; returns the bytes held, or 0 at the end of the connection. */
static size_t read_head(int connection, char *buffer, char **body) {
    size_t held = 0;
    for (;;) {
        ssize_t got = recv(connection, buffer + held, HEAD - 1 - held, 0);
        if (got <= 0) return 0;
        held += got;
        buffer[held] = 0;
        char *end = strstr(buffer, "\r\n\r\n");
        if (end) {
            *body = end + 4;
            return held;
        }
        if (held == HEAD - 1) return 0;
    }
}

static int answer_cpu(int connection) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    char text[128], out[256];
    int length = snprintf(text, sizeof text, "%.6f", seconds);
    int whole = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, text);
    return send_all(connection, out, whole);
}

/* Receive one body; returns 0 when it is on the disk. */
static int take(int connection, char *buffer, size_t held, long length) {
    char path[512];
    snprintf(path, sizeof path, "%s/%ld", folder, __sync_add_and_fetch(&counter, 1));
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) fail("open");
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    unsigned char hash[EVP_MAX_MD_SIZE];
    int result = -1;
    long left = length;
    for (;;) {
        if (held) {
            EVP_DigestUpdate(digest, buffer, held);
            for (size_t from = 0; from < held; from += PIECE) {
                size_t piece = held - from < PIECE ? held - from : PIECE;
                if (write(file, buffer + from, piece) != (ssize_t)piece) fail("write");
            }
            left -= held;
        }
        if (!left) {
            EVP_DigestFinal_ex(digest, hash, NULL);
            result = fdatasync(file);
            break;
        }
        ssize_t got = recv(connection, buffer, left < BUFFER ? left : BUFFER, MSG_WAITALL);
        if (got <= 0) break;
        held = got;
    }
    EVP_MD_CTX_free(digest);
    close(file);
    return result;
}

static void *serve(void *argument) {
    int connection = (int)(long)argument;
    char *head = malloc(HEAD), *buffer = malloc(BUFFER), *body;
    static const char created[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    static const char more[] = "HTTP/1.1 100 Continue\r\n\r\n";
    for (;;) {
        size_t held = read_head(connection, head, &body);
        if (!held) break;
        if (!strncmp(head, "GET ", 4)) {
            if (answer_cpu(connection)) break;
            continue;
        }
        char *named = strcasestr(head, "content-length:");
        if (!named) break;
        long length = atol(named + 15);
        if (strcasestr(head, "expect: 100-continue") && send_all(connection, more, sizeof more - 1)) break;
        size_t early = held - (body - head);
        memcpy(buffer, body, early);
        if (take(connection, buffer, early, length)) break;
        if (send_all(connection, created, sizeof created - 1)) break;
    }
    free(head);
    free(buffer);
    close(connection);
    return NULL;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: receive PORT FOLDER\n");
        return 64;
    }
    folder = words[2];
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 64)) fail("listen");
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(long)connection)) fail("thread");
        pthread_detach(thread);
    }
}
