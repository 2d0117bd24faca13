/* The load of ingest: sends files as HTTP PUT bodies from memory, cheaply, over parallel connections.
 *
 *   send PORT CONNECTIONS  < list
 *
 * Each line of the list: PATH TOKEN FILE OFFSET LENGTH. Lines are handed to the connections in turn; each connection is
 * kept and sends its lines in order. Prints the wall seconds; exits 1 when any answer is not 2xx.
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
static int job_count, connections, port, failures;

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

/* Read one answer whole; returns its status, or -1. */
static int read_answer(int connection) {
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
    if (status >= 300) fprintf(stderr, "%s\n", end + 4);
    while (left > 0) {
        ssize_t got = recv(connection, buffer, left < HEAD ? left : HEAD, 0);
        if (got <= 0) return -1;
        left -= got;
    }
    return status;
}

static int put(int connection, const struct job *job) {
    char head[1024];
    int length = snprintf(head, sizeof head,
        "PUT %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: %ld\r\n\r\n", job->path, job->token, job->length);
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
    return left ? -1 : read_answer(connection);
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
    if (count != 3) {
        fprintf(stderr, "usage: send PORT CONNECTIONS < list\n");
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
