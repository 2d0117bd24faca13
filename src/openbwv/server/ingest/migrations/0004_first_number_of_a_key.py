from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0003_counters_and_spans'),
    ]

    operations = [
        migrations.AddField(
            model_name='counted',
            name='first_rc',
            field=models.PositiveBigIntegerField(default=1, help_text='the lowest number that this key is known to have counted; earlier keys may have brought lower ones'),
        ),
    ]
