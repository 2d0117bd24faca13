/* The load of ingest: sends files as HTTP PUT bodies from memory, cheaply, over parallel connections.
 *
 *   send PORT CONNECTIONS [tus]  < list
 *
 * Each line of the list: PATH TOKEN FILE OFFSET LENGTH. Lines are handed to the connections in turn; each connection is
 * kept and sends its lines in order. With `tus` a line is one upload of the tus protocol 1.0: POST to PATH, then the
 * bytes as PATCH to where it says. Prints the wall seconds; exits 1 when any answer is not 2xx.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, HEAD = 16384 };
struct job { char path[256], token[256], file[512]; long offset, length; };
static struct job jobs[MOST];
static int job_count, connections, port, failures, is_tus;

static int dial(void) {
    int connection = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(connection, (struct sockaddr *)&there, sizeof there)) {
        perror("connect");
        exit(2);
    }
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

/* Copy the path of an answer's Location; `place` holds 256 bytes. */
static void read_location(const char *head, const char *end, char *place) {
    const char *named = strcasestr(head, "\r\nlocation:");
    if (!named || named >= end) return;
    const char *path = named + 11;
    while (*path == ' ') path++;
    const char *host = strstr(path, "://");
    if (host && host < strstr(path, "\r\n")) path = strchr(host + 3, '/');
    size_t length = strcspn(path, "\r\n");
    snprintf(place, 256, "%.*s", (int)length, path);
}

/* Read one answer whole; returns its status, or -1. `place` is NULL or gets the path of its Location. */
static int read_answer(int connection, char *place) {
    static __thread char buffer[HEAD];
    size_t held = 0;
    char *end = NULL;
    while (!end) {
        ssize_t got = recv(connection, buffer + held, HEAD - 1 - held, 0);
        if (got <= 0) return -1;
        held += got;
        buffer[held] = 0;
        end = strstr(buffer, "\r\n\r\n");
    }
    char *named = strcasestr(buffer, "content-length:");
    long left = (named && named < end ? atol(named + 15) : 0) - (long)(held - (end + 4 - buffer));
    int status = atoi(buffer + 9);
    if (place) read_location(buffer, end, place);
    if (status >= 300) fprintf(stderr, "%s\n", end + 4);
    while (left > 0) {
        ssize_t got = recv(connection, buffer, left < HEAD ? left : HEAD, 0);
        if (got <= 0) return -1;
        left -= got;
    }
    return status;
}

/* Make an upload of the tus protocol; `place` gets its path. */
static int create(int connection, const struct job *job, char *place) {
    char head[1024];
    int length = snprintf(head, sizeof head,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTus-Resumable: 1.0.0\r\nUpload-Length: %ld\r\nContent-Length: 0\r\n\r\n",
        job->path, port, job->length);
    place[0] = 0;
    if (send(connection, head, length, MSG_NOSIGNAL) != length) return -1;
    int status = read_answer(connection, place);
    return place[0] ? status : -1;
}

static int put(int connection, const struct job *job) {
    char head[1024], place[256];
    int length;
    if (is_tus) {
        int status = create(connection, job, place);
        if (status != 201) return status;
        length = snprintf(head, sizeof head,
            "PATCH %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            "Content-Type: application/offset+octet-stream\r\nContent-Length: %ld\r\n\r\n", place, port, job->length);
    } else {
        length = snprintf(head, sizeof head,
            "PUT %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\n"
            "Content-Length: %ld\r\n\r\n", job->path, job->token, job->length);
    }
    if (send(connection, head, length, MSG_MORE | MSG_NOSIGNAL) != length) return -1;
    int file = open(job->file, O_RDONLY);
    off_t offset = job->offset;
    long left = job->length;
    while (left > 0) {
        ssize_t sent = sendfile(connection, file, &offset, left);
        if (sent <= 0) break;
        left -= sent;
    }
    close(file);
    return left ? -1 : read_answer(connection, NULL);
}

static void *work(void *argument) {
    int connection = dial();
    for (int index = (int)(long)argument; index < job_count; index += connections) {
        int status = put(connection, &jobs[index]);
        if (status < 200 || status > 299) {
            fprintf(stderr, "%s answered %d\n", jobs[index].path, status);
            __sync_add_and_fetch(&failures, 1);
            close(connection);
            connection = dial();
        }
    }
    close(connection);
    return NULL;
}

int main(int count, char **words) {
    is_tus = count == 4 && !strcmp(words[3], "tus");
    if (count != 3 && !is_tus) {
        fprintf(stderr, "usage: send PORT CONNECTIONS [tus] < list\n");
        return 64;
    }
    port = atoi(words[1]);
    connections = atoi(words[2]);
    while (job_count < MOST) {
        struct job *job = &jobs[job_count];
        if (scanf("%255s %255s %511s %ld %ld", job->path, job->token, job->file, &job->offset, &job->length) != 5) break;
        job_count++;
    }
    pthread_t threads[256];
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (long index = 0; index < connections; index++) pthread_create(&threads[index], NULL, work, (void *)index);
    for (int index = 0; index < connections; index++) pthread_join(threads[index], NULL);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.4f\n", ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9);
    return failures ? 1 : 0;
}
