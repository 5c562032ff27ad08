/*
 * chatctl: one noun per file; each verb reads its own options and returns the
 * exit code.
 */

#ifndef CHATCTL_H
#define CHATCTL_H


#include "db.h"
#include "options.h"
#include "redis.h"


typedef enum {
    EXIT_OK          = 0,
    EXIT_FAILED      = 1,
    EXIT_USAGE       = 2,
    EXIT_NOT_FOUND   = 3,
    EXIT_UNAVAILABLE = 4
} exit_e;

#define CHATCTL_EXITS                                                         \
    "exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 unavailable "\
    "(PostgreSQL, Redis\nor chat-persist does not answer)"


/* of verbs that ask Redis: how long they ask again */

#define CTL_OPTION_WAIT(p)                                                    \
    { "wait", OPTION_SECONDS, false, "TIME", "5",                             \
      "give up after so long", p, 0, 3600 }


int migrate_main(int argc, char **argv);
int token_main(int argc, char **argv);
int jwk_main(int argc, char **argv);
int conversation_create_main(int argc, char **argv);
int conversation_update_main(int argc, char **argv);
int conversation_delete_main(int argc, char **argv);
int conversation_show_main(int argc, char **argv);
int conversation_list_main(int argc, char **argv);
int member_add_main(int argc, char **argv);
int member_update_main(int argc, char **argv);
int member_remove_main(int argc, char **argv);
int member_list_main(int argc, char **argv);
int message_send_main(int argc, char **argv);
int message_edit_main(int argc, char **argv);
int message_delete_main(int argc, char **argv);
int message_show_main(int argc, char **argv);
int reaction_add_main(int argc, char **argv);
int reaction_remove_main(int argc, char **argv);
int reaction_list_main(int argc, char **argv);
int history_main(int argc, char **argv);
int setting_list_main(int argc, char **argv);
int setting_set_main(int argc, char **argv);
int status_main(int argc, char **argv);
int verify_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int reload_main(int argc, char **argv);
int sessions_main(int argc, char **argv);
int kick_main(int argc, char **argv);
int presence_main(int argc, char **argv);
int revoke_user_main(int argc, char **argv);
int revoke_sid_main(int argc, char **argv);
int revoke_jti_main(int argc, char **argv);
int revoke_undo_main(int argc, char **argv);
int revoke_list_main(int argc, char **argv);
int deadletter_list_main(int argc, char **argv);
int deadletter_show_main(int argc, char **argv);
int deadletter_retry_main(int argc, char **argv);
int deadletter_drop_main(int argc, char **argv);


/* ctl.c: what the verbs have in common */

/* what options_read() said, as an exit code */
int ctl_exit(options_rc_e rc);

/* prints "chatctl: ..." on stderr */
void ctl_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* tries to connect for so many seconds; says why if it fails */
CHAT_MUST_CHECK int ctl_open_db(db_t *db, uint64_t wait);

/* says what is wrong with a tenant or an id; -1 */
CHAT_MUST_CHECK int ctl_check_id(const char *what, const char *id);

/* the number of partitions; says why and returns -1 if it cannot be read */
CHAT_MUST_CHECK int ctl_read_partitions(db_t *db, unsigned *n);

/* a text of others, within a line: what would steer a terminal, or turn the
   order of what stands beside it, is a space */
void ctl_print_text(chat_str_t text);

/* 1: stdout took it all; says why not */
int ctl_flush(void);


#endif /* CHATCTL_H */
