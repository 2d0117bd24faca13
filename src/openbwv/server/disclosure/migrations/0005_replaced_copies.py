"""A word for copies that another replaced; no data changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('disclosure', '0004_no_footage_words'),
    ]

    operations = [
        migrations.AlterField(
            model_name='release',
            name='state',
            field=models.CharField(choices=[('planned', 'The copy is being made'), ('failed', 'The copy could not be made'), ('made', "Waits for a second person's check"), ('checked', 'Checked; may be handed out'), ('declined', 'The second person said no'), ('replaced', 'Dropped: another copy was made instead'), ('handed-out', 'Handed out')], default='planned', help_text='how far it is', max_length=10),
        ),
    ]
