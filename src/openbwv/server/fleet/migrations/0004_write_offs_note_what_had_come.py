"""An open proposal of before lapses once footage of its camera is here: nobody noted what there was when it was made."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0003_write_offs'),
    ]

    operations = [
        migrations.AddField(
            model_name='writeoff',
            name='last_object',
            field=models.PositiveBigIntegerField(default=0, help_text='number of the newest file of entries or footage that the camera had brought by then'),
        ),
    ]
