"""A number of a log without a place in it passed: with the place NULL, `place >= 0` is neither true nor false."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trail", "0002_log_years")]

    operations = [
        migrations.RemoveConstraint(model_name="event", name="event_leaf_whole"),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("leaf_index__isnull", True), ("log_generation__isnull", True)),
                    models.Q(("leaf_index__gte", 0), ("leaf_index__isnull", False), ("log_generation__isnull", False)),
                    _connector="OR",
                ),
                name="event_leaf_whole",
            ),
        ),
    ]
